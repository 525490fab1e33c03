// The emulator's clock.
import FoundationEssentials

/// Time since 1970 that never steps back: the wall clock at start plus what has passed since.
struct WallClock: Sendable {
    private let base: Duration = .seconds(Date().timeIntervalSince1970)
    private let start = ContinuousClock.now

    var now: Duration { base + start.duration(to: .now) }
}
