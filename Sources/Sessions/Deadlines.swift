// Moments at which something has to happen unless it is called off before.

internal import NIOConcurrencyHelpers

/// Nearly all deadlines are called off long before they come. Each is an entry in a table; one task sleeps for all of them, until the
/// first one.
final class Deadlines: Sendable {
    typealias Instant = ContinuousClock.Instant

    private struct State {
        var entries: [UInt64: (at: Instant, run: @Sendable () -> Void)] = [:]
        var lastEntry: UInt64 = 0
        /// Of the task that sleeps; one that wakes at another moment has been replaced.
        var wakesAt: Instant?
    }

    private let state = NIOLockedValueBox(State())

    /// Runs `run` at that moment or soon after it.
    /// - Returns: what `callOff` takes.
    func set(_ at: Instant, _ run: @escaping @Sendable () -> Void) -> UInt64 {
        let (entry, isFirst) = state.withLockedValue { state in
            state.lastEntry += 1
            state.entries[state.lastEntry] = (at, run)
            let isFirst = state.wakesAt.map { at < $0 } ?? true
            if isFirst { state.wakesAt = at }
            return (state.lastEntry, isFirst)
        }
        if isFirst { sleep(until: at) }
        return entry
    }

    /// It will not run, unless it is running already.
    func callOff(_ entry: UInt64) { state.withLockedValue { _ = $0.entries.removeValue(forKey: entry) } }

    private func sleep(until moment: Instant) {
        Task { [weak self] in
            try? await Task.sleep(until: moment, clock: .continuous)
            self?.wake(moment)
        }
    }

    private func wake(_ moment: Instant) {
        let (due, next): ([@Sendable () -> Void], Instant?) = state.withLockedValue { state in
            guard state.wakesAt == moment else { return ([], nil) }
            let now = Instant.now
            let due = state.entries.filter { $0.value.at <= now }
            for entry in due.keys { state.entries[entry] = nil }
            state.wakesAt = state.entries.values.map(\.at).min()
            return (due.values.sorted { $0.at < $1.at }.map(\.run), state.wakesAt)
        }
        for run in due { run() }
        if let next { sleep(until: next) }
    }
}
