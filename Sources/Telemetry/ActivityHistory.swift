// The last minutes in a few numbers, for whoever looks at the status page.

internal import NIOConcurrencyHelpers

/// One sample every few seconds, for ten minutes.
package final class ActivityHistory: Sendable {
    package struct Sample: Sendable, Equatable {
        /// Requests per second.
        package let rate: Double
        /// Answers with a status of 500 and above, per second.
        package let failures: Double
        /// Milliseconds; nil when there was no request.
        package let median: Double?
        package let p99: Double?
    }

    /// How far apart samples are.
    package static let interval = Duration.seconds(5)
    static let most = 120

    private struct State {
        var samples: [Sample] = []
        var latency: LatencyCounts
        var failures: Int
        var takenAt: ContinuousClock.Instant
    }

    private let metrics: SidecarMetrics
    private let state: NIOLockedValueBox<State>

    package init(_ metrics: SidecarMetrics, at now: ContinuousClock.Instant = .now) {
        self.metrics = metrics
        state = NIOLockedValueBox(
            State(latency: metrics.requestLatency, failures: metrics.requestCounts.failed, takenAt: now))
    }

    /// The oldest first.
    package var samples: [Sample] { state.withLockedValue(\.samples) }

    /// Looks at what has been counted since the last time.
    package func sample(at now: ContinuousClock.Instant = .now) {
        let (latency, failures) = (metrics.requestLatency, metrics.requestCounts.failed)
        state.withLockedValue { state in
            let seconds = (now - state.takenAt) / .seconds(1)
            guard seconds > 0 else { return }
            let new = latency.since(state.latency)
            state.samples.append(
                Sample(
                    rate: Double(new.count) / seconds, failures: Double(failures - state.failures) / seconds,
                    median: new.quantile(0.5).map { $0 * 1000 }, p99: new.quantile(0.99).map { $0 * 1000 }))
            if state.samples.count > Self.most { state.samples.removeFirst() }
            (state.latency, state.failures, state.takenAt) = (latency, failures, now)
        }
    }
}
