// How many requests are worked on at the same time.

internal import DequeModule
internal import Model
internal import NIOConcurrencyHelpers

/// Lets a bounded number of requests in; the others wait in line for a short while (contract 4).
final class RequestGate: Sendable {
    private struct Waiter {
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var inside = 0
        /// All are as patient as the others: whoever came first gives up first.
        var line: Deque<Waiter> = []
        /// Whether somebody sleeps until the first one's patience ends.
        var isWatched = false
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
        guard patience > .zero else { return enterAtOnce() }
        return await withCheckedContinuation { continuation in
            let (isIn, watches) = state.withLockedValue { state in
                guard state.inside >= limit else {
                    state.inside += 1
                    return (true, false)
                }
                state.line.append(Waiter(deadline: .now + patience, continuation: continuation))
                defer { state.isWatched = true }
                return (false, !state.isWatched)
            }
            if isIn { continuation.resume(returning: true) }
            if watches { Task { await watch() } }
        }
    }

    /// One sleeps for all.
    private func watch() async {
        while let next = nextDeadline() {
            try? await Task.sleep(until: next, clock: .continuous)
            for waiter in expired() { waiter.continuation.resume(returning: false) }
        }
    }

    /// Nil when nobody waits any more.
    private func nextDeadline() -> ContinuousClock.Instant? {
        state.withLockedValue { state in
            state.isWatched = !state.line.isEmpty
            return state.line.first?.deadline
        }
    }

    private func expired() -> [Waiter] {
        let now = ContinuousClock.now
        return state.withLockedValue { state in
            var expired: [Waiter] = []
            while let first = state.line.first, first.deadline <= now {
                expired.append(first)
                state.line.removeFirst()
            }
            return expired
        }
    }

    /// The request is answered; the place goes to whoever waits longest.
    func leave() {
        let next: Waiter? = state.withLockedValue { state in
            if let next = state.line.popFirst() { return next }
            state.inside -= 1
            return nil
        }
        next?.continuation.resume(returning: true)
    }
}
