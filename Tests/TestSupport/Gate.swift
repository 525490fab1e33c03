// An event that tests wait for.

internal import NIOConcurrencyHelpers

/// Counts how often something has happened; any number of tasks may wait until it has happened often enough.
package final class Gate: Sendable {
    private struct State {
        var count = 0
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    package var count: Int { state.withLockedValue(\.count) }

    /// It has happened once more.
    package func signal() {
        let ready = state.withLockedValue { state in
            state.count += 1
            let ready = state.waiters.filter { $0.count <= state.count }
            state.waiters.removeAll { $0.count <= state.count }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    /// Returns when it has happened `count` times.
    package func wait(for count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLockedValue { state in
                if state.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}
