// Where the numbers are: the backend of swift-metrics, and what is shown of it.

package import CoreMetrics
internal import NIOConcurrencyHelpers
internal import Synchronization

/// Keeps every counter, gauge and histogram by name and labels. Metrics that are not in `MetricFamily.all` are kept and not shown.
package final class MetricsRegistry: MetricsFactory {
    struct Key: Hashable, Sendable {
        let name: String
        /// In the order of the family.
        let labels: [Label]
    }
    struct Label: Hashable, Sendable {
        let name: String
        let value: String
    }

    private struct State {
        var counters: [Key: Count] = [:]
        var gauges: [Key: Level] = [:]
        var histograms: [Key: LatencyHistogram] = [:]
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    // MARK: what swift-metrics asks for

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        known(\.counters, label, dimensions) { Count() }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        known(\.gauges, label, dimensions) { Level() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        known(\.gauges, label, dimensions) { Level() }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        known(\.histograms, label, dimensions) { LatencyHistogram() }
    }

    /// The one of this name and these labels, made when it is asked for first.
    private func known<Metric: Sendable>(
        _ kind: WritableKeyPath<State, [Key: Metric]>, _ label: String, _ dimensions: [(String, String)],
        make: () -> Metric
    ) -> Metric {
        let key = Key(label, dimensions)
        return state.withLockedValue { state in
            if let known = state[keyPath: kind][key] { return known }
            let made = make()
            state[keyPath: kind][key] = made
            return made
        }
    }

    // Nothing is ever taken back: what was counted stays counted.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    // MARK: what is shown

    enum Reading {
        case number(Double)
        case latency(LatencyCounts)
    }

    /// All values of a family, by their labels, in a fixed order.
    func readings(of family: MetricFamily) -> [(labels: [Label], reading: Reading)] {
        state.withLockedValue { state in
            let numbers =
                state.counters.lazy.map { ($0, Reading.number(Double($1.value))) }.filter { $0.0.name == family.name }
                + state.gauges.lazy.map { ($0, Reading.number($1.value)) }.filter { $0.0.name == family.name }
            let latencies = state.histograms.lazy.map { ($0, Reading.latency($1.snapshot)) }
                .filter { $0.0.name == family.name }
            return (Array(numbers) + Array(latencies)).map { ($0.labels, $1) }
                .sorted { $0.0.map(\.value).lexicographicallyPrecedes($1.0.map(\.value)) }
        }
    }
}

extension MetricsRegistry.Key {
    init(_ name: String, _ dimensions: [(String, String)]) {
        (self.name, labels) = (name, dimensions.map { MetricsRegistry.Label(name: $0.0, value: $0.1) })
    }
}

private final class Count: CounterHandler {
    private let count = Atomic<Int64>(0)
    var value: Int64 { count.load(ordering: .relaxed) }
    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { count.store(0, ordering: .relaxed) }
}

private final class Level: RecorderHandler, MeterHandler {
    private let bits = NIOLockedValueBox(0.0)
    var value: Double { bits.withLockedValue { $0 } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.withLockedValue { $0 = value } }
    func increment(by amount: Double) { bits.withLockedValue { $0 += amount } }
    func decrement(by amount: Double) { bits.withLockedValue { $0 -= amount } }
}
