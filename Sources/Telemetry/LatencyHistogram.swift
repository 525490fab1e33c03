// Durations counted by size.

internal import CoreMetrics
internal import NIOConcurrencyHelpers

/// A histogram of durations, from half a millisecond to half a minute.
final class LatencyHistogram: TimerHandler {
    /// Upper bounds in seconds; the last bucket has none.
    static let bounds = [
        0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]
    private static let nanosecondBounds = bounds.map { Int64($0 * 1_000_000_000) }

    private let counts = NIOLockedValueBox(LatencyCounts())

    func recordNanoseconds(_ duration: Int64) {
        let bucket = Self.nanosecondBounds.firstIndex { duration <= $0 } ?? Self.bounds.count
        counts.withLockedValue { counts in
            counts.buckets[bucket] += 1
            counts.nanoseconds += max(0, duration)
        }
    }

    var snapshot: LatencyCounts { counts.withLockedValue { $0 } }
}

/// What a histogram held at one moment.
package struct LatencyCounts: Sendable, Equatable {
    /// One for each bound and one for what is above them; not cumulative.
    fileprivate(set) var buckets = Array(repeating: 0, count: LatencyHistogram.bounds.count + 1)
    fileprivate(set) var nanoseconds: Int64 = 0

    package init() {}

    package var count: Int { buckets.reduce(0, +) }

    /// What came after an earlier moment.
    package func since(_ earlier: LatencyCounts) -> LatencyCounts {
        var later = self
        for index in buckets.indices { later.buckets[index] -= earlier.buckets[index] }
        later.nanoseconds -= earlier.nanoseconds
        return later
    }

    /// The duration in seconds that the given share (0...1) stays below, interpolated inside its bucket; nil when nothing was counted.
    package func quantile(_ share: Double) -> Double? {
        let wanted = share * Double(count)
        guard count > 0 else { return nil }
        var below = 0.0
        for (index, bound) in LatencyHistogram.bounds.enumerated() {
            let inside = Double(buckets[index])
            if inside > 0, below + inside >= wanted {
                let start = index == 0 ? 0 : LatencyHistogram.bounds[index - 1]
                return start + (bound - start) * max(0, wanted - below) / inside
            }
            below += inside
        }
        return LatencyHistogram.bounds.last
    }
}
