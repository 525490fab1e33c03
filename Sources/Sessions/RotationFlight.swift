// One attempt in the air, and those who wait for it.

package import Model
internal import NIOConcurrencyHelpers

/// What everybody who waited for an attempt gets.
package enum RotationResult: Sendable {
    /// The tenant's 200; the session is durable.
    case renewed(Session, answer: WholeResponse)
    /// A newer token than the one that was to be presented is there already.
    case moved(Session)
    /// Nothing was presented and nothing is decided: ask again.
    case overtaken
    /// The tenant's refusal, to be passed on.
    case refused(answer: WholeResponse)
    /// The tenant's answer says that it failed, to be passed on.
    case failed(answer: WholeResponse)
    /// No answer.
    case fault(RenewalFault)
    /// The answer was lost; the token may be presented once more when the tenant has settled.
    case lost(answer: WholeResponse?, RenewalFault)
    /// Two answers were lost; the session is over.
    case sessionLost
    case storeFailed(StoreError)
}

/// The steps of a rotation at which a process may die.
package enum RotationStep: String, CaseIterable, Sendable {
    case beforeIntent, afterIntent, afterAnswer, beforeCommit, afterCommit, beforeAnswering
}

/// Delivers one result to any number of waiters, each with its own patience.
final class RotationFlight: Sendable {
    private struct State {
        var result: RotationResult?
        var waiters: [UInt64: CheckedContinuation<RotationResult?, Never>] = [:]
        var nextWaiter: UInt64 = 0
        /// Waiters whose patience ended before they stood in line.
        var gone: Set<UInt64> = []
    }

    private let state = NIOLockedValueBox(State())
    private let deadlines: Deadlines

    init(_ deadlines: Deadlines) { self.deadlines = deadlines }

    /// The result, or nil when it did not come in time or the caller's task was cancelled. The attempt goes on either way.
    func result(within patience: Duration) async -> RotationResult? {
        guard patience > .zero else { return state.withLockedValue(\.result) }
        let waiter = state.withLockedValue { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let deadline = deadlines.set(.now + patience) { [self] in leave(waiter) }
        defer { deadlines.callOff(deadline) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready: RotationResult?? = state.withLockedValue { state in
                    if let result = state.result { return result }
                    if state.gone.remove(waiter) != nil { return .some(nil) }
                    state.waiters[waiter] = continuation
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            leave(waiter)
        }
    }

    private func leave(_ waiter: UInt64) {
        let continuation: CheckedContinuation<RotationResult?, Never>? = state.withLockedValue { state in
            guard state.result == nil else { return nil }
            let continuation = state.waiters.removeValue(forKey: waiter)
            if continuation == nil { state.gone.insert(waiter) }
            return continuation
        }
        continuation?.resume(returning: nil)
    }

    func deliver(_ result: RotationResult) {
        let waiters = state.withLockedValue { state in
            state.result = result
            defer { state.waiters = [:] }
            return state.waiters.values.map { $0 }
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }
}
