// How many requests are worked on at the same time.

internal import DequeModule
internal import Model
internal import NIOConcurrencyHelpers

/// Lets a bounded number of requests in; the others wait in line for a short while (contract 4).
final class RequestGate: Sendable {
    private struct State {
        var inside = 0
        var lastWaiter: UInt64 = 0
        /// Who still waits; an entry of the line that is not here has given up.
        var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var line: Deque<UInt64> = []
    }

    private let state = NIOLockedValueBox(State())
    private let limit: Int
    private let patience: Duration

    /// - Parameters:
    ///   - limit: at least 1.
    ///   - patience: how long a request waits for its turn.
    init(limit: Int, patience: Duration) { (self.limit, self.patience) = (limit, patience) }

    /// Whether there is a place just now; if so, it is taken and `leave` has to follow.
    func enterAtOnce() -> Bool {
        state.withLockedValue { state in
            guard state.inside < limit else { return false }
            state.inside += 1
            return true
        }
    }

    /// Returns whether the request may go on; if so, `leave` has to follow.
    func enter() async -> Bool {
        guard !enterAtOnce() else { return true }
        guard patience > .zero else { return false }
        return await withCheckedContinuation { continuation in
            let waiter: UInt64? = state.withLockedValue { state in
                // A place may have come free meanwhile.
                guard state.inside >= limit else {
                    state.inside += 1
                    return nil
                }
                state.lastWaiter += 1
                state.waiting[state.lastWaiter] = continuation
                state.line.append(state.lastWaiter)
                return state.lastWaiter
            }
            guard let waiter else { return continuation.resume(returning: true) }
            Task { [self] in
                try? await Task.sleep(for: patience)
                state.withLockedValue { $0.waiting.removeValue(forKey: waiter) }?.resume(returning: false)
            }
        }
    }

    /// The request is answered; the place goes to whoever waits longest.
    func leave() {
        let next: CheckedContinuation<Bool, Never>? = state.withLockedValue { state in
            while let waiter = state.line.popFirst() {
                if let continuation = state.waiting.removeValue(forKey: waiter) { return continuation }
            }
            state.inside -= 1
            return nil
        }
        next?.resume(returning: true)
    }
}
