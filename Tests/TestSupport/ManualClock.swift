// A wall clock that a test sets.

package import Model
internal import NIOConcurrencyHelpers

package final class ManualClock: WallClock {
    private let time: NIOLockedValueBox<Timestamp>

    package init(_ time: Timestamp = .sample) { self.time = NIOLockedValueBox(time) }

    package func now() -> Timestamp { time.withLockedValue { $0 } }
    /// Takes no time: the clock is set on by it.
    package func sleep(for duration: Duration) async { advance(by: duration) }
    package func advance(by duration: Duration) { time.withLockedValue { $0 = $0 + duration } }
}
