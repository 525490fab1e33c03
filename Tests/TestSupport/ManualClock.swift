// A wall clock that a test sets.

package import Model
internal import NIOConcurrencyHelpers

package final class ManualClock: WallClock {
    private let time: NIOLockedValueBox<Timestamp>

    private let sleeps: Bool

    /// - Parameter sleeps: whether a sleep takes its real time and leaves the clock as it is.
    package init(_ time: Timestamp = .sample, sleeps: Bool = false) {
        self.time = NIOLockedValueBox(time)
        self.sleeps = sleeps
    }

    package func now() -> Timestamp { time.withLockedValue { $0 } }
    /// Takes no time and sets the clock on, unless it `sleeps`.
    package func sleep(for duration: Duration) async {
        if sleeps { return await Self.pause(duration) }
        advance(by: duration)
        await Task.yield()
    }

    private static func pause(_ duration: Duration) async { try? await Task.sleep(for: duration) }
    package func advance(by duration: Duration) { time.withLockedValue { $0 = $0 + duration } }
}
