// A wall clock that a test sets.

package import Model
internal import NIOConcurrencyHelpers

package final class ManualClock: WallClock {
    private let time: NIOLockedValueBox<Timestamp>

    package init(_ time: Timestamp = .sample) { self.time = NIOLockedValueBox(time) }

    package func now() -> Timestamp { time.withLockedValue { $0 } }
    package func advance(by duration: Duration) { time.withLockedValue { $0 = $0 + duration } }
}
