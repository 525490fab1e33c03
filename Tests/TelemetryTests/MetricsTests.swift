// How what happens is counted, and how it is shown.

import CoreMetrics
import Telemetry
import TestSupport
import Testing

struct MetricsTests {
    private func lines(_ registry: MetricsRegistry, _ beginning: String) -> [String] {
        registry.prometheusText.split(separator: "\n").map(String.init).filter { $0.hasPrefix(beginning) }
    }

    @Test func everyFamilyIsShownWithItsMeaning() {
        let page = MetricsRegistry().prometheusText
        for family in MetricFamily.all {
            #expect(
                page.contains("# HELP \(family.name) ")
                    && page.contains("# TYPE \(family.name) \(family.kind.rawValue)\n"))
            #expect(MetricFamily.markdown.contains("| `\(family.name)` | \(family.kind.rawValue) |"))
        }
        #expect(Set(MetricFamily.all.map(\.name)).count == MetricFamily.all.count)
    }

    /// What may happen some day stands there as zero, so that `rate` sees the first time.
    @Test func countersBeginAtZero() {
        let metrics = SidecarMetrics()
        #expect(lines(metrics.registry, "sidecar_rotations_total").count == SidecarMetrics.RotationEnd.allCases.count)
        #expect(lines(metrics.registry, "sidecar_rotations_total").allSatisfy { $0.hasSuffix(" 0") })
        #expect(lines(metrics.registry, "sidecar_superseded_tokens_total") == ["sidecar_superseded_tokens_total 0"])
    }

    @Test func requests() {
        let metrics = SidecarMetrics()
        metrics.requestBegan()
        metrics.requestBegan()
        #expect(metrics.inFlight == 2)
        metrics.requestEnded(route: "T2", source: "upstream", status: 200, after: .milliseconds(3))
        metrics.requestEnded(route: "T2", source: "upstream", status: 503, after: .seconds(60))
        #expect(metrics.inFlight == 0 && metrics.requestCounts == (2, 1))
        #expect(
            lines(metrics.registry, "sidecar_requests_total") == [
                #"sidecar_requests_total{route="T2",source="upstream",status="200"} 1"#,
                #"sidecar_requests_total{route="T2",source="upstream",status="503"} 1"#,
            ])
        let buckets = lines(metrics.registry, "sidecar_request_duration_seconds")
        #expect(buckets.contains(#"sidecar_request_duration_seconds_bucket{le="0.0025"} 0"#))
        #expect(buckets.contains(#"sidecar_request_duration_seconds_bucket{le="0.005"} 1"#))
        #expect(buckets.contains(#"sidecar_request_duration_seconds_bucket{le="30"} 1"#))
        #expect(buckets.contains(#"sidecar_request_duration_seconds_bucket{le="+Inf"} 2"#))
        #expect(
            buckets.suffix(2) == [
                "sidecar_request_duration_seconds_sum 60.003", "sidecar_request_duration_seconds_count 2",
            ])
    }

    /// The text format's own escapes.
    @Test func labelsAreEscaped() {
        let registry = MetricsRegistry()
        Counter(label: "sidecar_guard_refusals_total", dimensions: [("reason", "a\"b\\c\nd")], factory: registry)
            .increment()
        #expect(
            lines(registry, "sidecar_guard_refusals_total") == [#"sidecar_guard_refusals_total{reason="a\"b\\c\nd"} 1"#]
        )
    }

    @Test func levels() {
        let metrics = SidecarMetrics()
        var levels = SidecarMetrics.Levels()
        (levels.accessTokenExpiry, levels.isReady, levels.version) = (.infinity, true, "1.2.3")
        levels.sessions = [.live: 5]
        metrics.show(levels)
        #expect(
            lines(metrics.registry, "sidecar_access_token_expiry_seconds") == [
                "sidecar_access_token_expiry_seconds +Inf"
            ])
        #expect(lines(metrics.registry, "sidecar_build_info") == [#"sidecar_build_info{version="1.2.3"} 1"#])
        #expect(lines(metrics.registry, "sidecar_sessions").contains(#"sidecar_sessions{state="live"} 5"#))
        #expect(
            lines(metrics.registry, "sidecar_sessions").count == 4
                && lines(metrics.registry, "sidecar_ready") == ["sidecar_ready 1"])
    }

    @Test func manyThreadsLoseNothing() async {
        let metrics = SidecarMetrics()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    for _ in 0..<5000 {
                        metrics.requestBegan()
                        metrics.requestEnded(route: "T\(number % 3)", source: "upstream", status: 200, after: .zero)
                        metrics.guardRefused("reason\(number % 2)")
                    }
                }
            }
        }
        #expect(metrics.requestCounts.all == 40_000 && metrics.requestLatency.count == 40_000 && metrics.inFlight == 0)
        #expect(lines(metrics.registry, "sidecar_guard_refusals_total").allSatisfy { $0.hasSuffix(" 20000") })
    }

    // MARK: what the status page is made of

    @Test func quantiles() {
        let metrics = SidecarMetrics()
        #expect(metrics.requestLatency.quantile(0.5) == nil)
        for milliseconds in 1...100 {
            metrics.requestEnded(route: "T2", source: "upstream", status: 200, after: .milliseconds(milliseconds))
        }
        let latency = metrics.requestLatency
        // Exact to the bucket: 25 to 50 and 50 to 100 ms.
        #expect((latency.quantile(0.5) ?? 0) > 0.045 && (latency.quantile(0.5) ?? 1) <= 0.0501)
        #expect((latency.quantile(0.99) ?? 0) > 0.095 && (latency.quantile(0.99) ?? 1) <= 0.1)
        #expect(latency.since(latency).quantile(0.5) == nil)
    }

    @Test func theHistory() {
        let metrics = SidecarMetrics()
        let start = ContinuousClock.now
        let history = ActivityHistory(metrics, at: start)
        for _ in 0..<50 { metrics.requestEnded(route: "T2", source: "upstream", status: 200, after: .milliseconds(2)) }
        metrics.requestEnded(route: "T2", source: "sidecar", status: 502, after: .milliseconds(2))
        history.sample(at: start + .seconds(5))
        history.sample(at: start + .seconds(10))
        #expect(history.samples.map(\.rate) == [10.2, 0] && history.samples.map(\.failures) == [0.2, 0])
        #expect(history.samples[0].median != nil && history.samples[1].median == nil)
        for number in 3..<400 { history.sample(at: start + .seconds(5 * number)) }
        #expect(history.samples.count == 120)
    }

    @Test func recentErrors() {
        let errors = RecentErrors()
        errors.add("A", requestID: "1")
        errors.add("B", requestID: "2")
        errors.add("A", requestID: "3")
        #expect(errors.all.map(\.code) == ["A", "B"] && errors.all.map(\.count) == [2, 1])
        #expect(errors.all.map(\.requestID) == ["3", "2"])
    }
}
