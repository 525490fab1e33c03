// One method for each thing that happens and is counted.

internal import CoreMetrics
internal import NIOConcurrencyHelpers
internal import Synchronization

/// The instruments, made once. Cheap to call from anywhere; a copy counts into the same registry.
package struct SidecarMetrics: Sendable {
    package enum SessionState: String, CaseIterable, Sendable { case live, refreshing, unknown, dead }
    package enum RotationEnd: String, CaseIterable, Sendable {
        case renewed, moved, rejected, failed, lost
        case sessionLost = "session_lost"
        case storeFailed = "store_failed"
    }

    /// What came of the try to claim a session: a lock has three states.
    package enum Claim: String, CaseIterable, Sendable { case held, busy, broken }

    private struct RequestKey: Hashable {
        let route: String
        let source: String
        let status: Int
    }

    /// The values of a family's labels, at most two.
    private struct CounterKey: Hashable {
        let family: String
        let first: String
        let second: String
    }

    /// What is made while it runs, because its labels are many.
    private struct Made {
        var requests: [RequestKey: Counter] = [:]
        var others: [CounterKey: Counter] = [:]
    }

    private final class Shared: Sendable {
        let made = NIOLockedValueBox(Made())
        let inFlight = Atomic<Int>(0)
    }

    package let registry: MetricsRegistry
    private let shared = Shared()
    private let requestTimer: Timer
    private let upstreamTimer: Timer
    private let rotationTimer: Timer
    private let storeTimer: Timer

    package init(registry: MetricsRegistry = MetricsRegistry()) {
        self.registry = registry
        func timer(_ family: MetricFamily) -> Timer { Timer(label: family.name, factory: registry) }
        requestTimer = timer(.requestDuration)
        upstreamTimer = timer(.upstreamDuration)
        rotationTimer = timer(.rotationDuration)
        storeTimer = timer(.storeDuration)
        // What has not happened yet is shown as zero: a counter that appears with its first event hides that event from `rate`.
        for family in [MetricFamily.coalesced, .replays, .overrides, .superseded, .damagedRecords] {
            add(family, by: 0)
        }
        for end in RotationEnd.allCases { add(.rotations, end.rawValue, by: 0) }
        for claim in Claim.allCases { add(.storeClaims, claim.rawValue, by: 0) }
        circuitChanged(isOpen: false)
    }

    /// Shows what may happen some day as zero: `increase` does not see the event that makes its counter appear.
    package func expect(
        guardRefusals: [String], upstreamErrors: [String], fetchFailures: [String], storeOperations: [String]
    ) {
        for reason in guardRefusals { add(.guardRefusals, reason, by: 0) }
        for reason in upstreamErrors { add(.upstreamErrors, reason, by: 0) }
        add(.renewals, "success", "none", by: 0)
        for reason in fetchFailures { add(.renewals, "failure", reason, by: 0) }
        for operation in storeOperations {
            for result in ["success", "failure"] { add(.storeOperations, operation, result, by: 0) }
        }
    }

    // MARK: requests

    package func requestBegan() { shared.inFlight.add(1, ordering: .relaxed) }

    /// - Parameters:
    ///   - route: the row of the tenant's API, `local`, or `none` when it was refused before.
    ///   - source: `X-Sidecar-Source`, `sidecar` for an error of our own.
    package func requestEnded(route: String, source: String, status: Int, after duration: Duration) {
        shared.inFlight.subtract(1, ordering: .relaxed)
        let key = RequestKey(route: route, source: source, status: status)
        let counter = shared.made.withLockedValue { made in
            if let known = made.requests[key] { return known }
            let counter = Counter(
                label: MetricFamily.requests.name,
                dimensions: [("route", route), ("source", source), ("status", String(status))], factory: registry)
            made.requests[key] = counter
            return counter
        }
        counter.increment()
        requestTimer.recordNanoseconds(duration.nanoseconds)
    }

    package var inFlight: Int { shared.inFlight.load(ordering: .relaxed) }
    package var requestLatency: LatencyCounts { latency(.requestDuration) }

    /// All answers, and those with a status of 500 and above.
    package var requestCounts: (all: Int, failed: Int) {
        registry.readings(of: .requests).reduce(into: (0, 0)) { sum, row in
            guard case .number(let count) = row.reading else { return }
            sum.0 += Int(count)
            if let status = row.labels.last?.value.utf8.first, status >= UInt8(ascii: "5") { sum.1 += Int(count) }
        }
    }

    /// Rotations by result, those that never happened included.
    package var rotationCounts: [(result: String, count: Int)] {
        registry.readings(of: .rotations).compactMap { row in
            guard case .number(let count) = row.reading, let result = row.labels.first?.value else { return nil }
            return (result, Int(count))
        }
    }

    /// - Parameter reason: of the error catalogue, in lower case.
    package func guardRefused(_ reason: String) { add(.guardRefusals, reason) }

    // MARK: the tenant

    package func upstreamAnswered(after duration: Duration) { upstreamTimer.recordNanoseconds(duration.nanoseconds) }
    package func upstreamFailed(_ reason: String) { add(.upstreamErrors, reason) }
    package func circuitChanged(isOpen: Bool) { set(.circuitOpen, isOpen ? 1 : 0) }

    /// - Parameter failure: nil for a success.
    package func accessTokenFetched(failure: String?) {
        add(.renewals, failure == nil ? "success" : "failure", failure ?? "none")
    }

    // MARK: sessions

    package func rotationEnded(_ end: RotationEnd, after duration: Duration) {
        add(.rotations, end.rawValue)
        rotationTimer.recordNanoseconds(duration.nanoseconds)
    }

    package func coalesced() { add(.coalesced) }
    package func replayed() { add(.replays) }
    package func supersededTokenPresented() { add(.superseded) }
    package func fingerprintOverridden() { add(.overrides) }

    // MARK: the store

    package func storeAnswered(_ operation: String, succeeded: Bool, after duration: Duration) {
        add(.storeOperations, operation, succeeded ? "success" : "failure")
        storeTimer.recordNanoseconds(duration.nanoseconds)
    }

    package func damagedRecordSkipped() { add(.damagedRecords) }
    package func claimed(_ claim: Claim) { add(.storeClaims, claim.rawValue) }

    /// - Parameters:
    ///   - trouble: what it is now; nil for none.
    ///   - all: everything that it may be.
    package func storeTroubleIs(_ trouble: String?, of all: [String]) {
        for reason in all { set(.storeTrouble, reason == trouble ? 1 : 0, [("reason", reason)]) }
    }

    // MARK: what is read when somebody looks

    /// Values that nobody keeps count of.
    package struct Levels: Sendable {
        package var isReady = false
        /// Seconds; 0 without a usable token, infinite for one that does not end.
        package var accessTokenExpiry = 0.0
        package var sessions: [SessionState: Int] = [:]
        package var busyConnections = 0
        package var idleConnections = 0
        package var process = ProcessFigures()
        package var version = ""
        package init() {}
    }

    /// What the kernel says of the process.
    package struct ProcessFigures: Sendable {
        package var cpuSeconds = 0.0
        package var residentBytes = 0
        package var virtualBytes = 0
        package var openDescriptors = 0
        package var maximumDescriptors = 0
        /// Since 1970.
        package var startSeconds = 0.0
        package init() {}
    }

    package func show(_ levels: Levels) {
        set(.inFlight, Double(inFlight))
        set(.ready, levels.isReady ? 1 : 0)
        set(.buildInfo, 1, [("version", levels.version)])
        set(.accessTokenExpiry, levels.accessTokenExpiry)
        for state in SessionState.allCases {
            set(.sessions, Double(levels.sessions[state] ?? 0), [("state", state.rawValue)])
        }
        set(.upstreamConnections, Double(levels.busyConnections), [("state", "busy")])
        set(.upstreamConnections, Double(levels.idleConnections), [("state", "idle")])
        set(.cpuSeconds, levels.process.cpuSeconds)
        set(.residentBytes, Double(levels.process.residentBytes))
        set(.virtualBytes, Double(levels.process.virtualBytes))
        set(.openDescriptors, Double(levels.process.openDescriptors))
        set(.maximumDescriptors, Double(levels.process.maximumDescriptors))
        set(.startTime, levels.process.startSeconds)
    }

    // MARK: small steps

    /// - Parameters:
    ///   - first: the value of the family's first label, where it has one.
    ///   - second: that of its second.
    private func add(_ family: MetricFamily, _ first: String = "", _ second: String = "", by amount: Int = 1) {
        let key = CounterKey(family: family.name, first: first, second: second)
        let counter = shared.made.withLockedValue { made in
            if let known = made.others[key] { return known }
            let labels = Array(zip(family.labels, [first, second]))
            let counter = Counter(label: family.name, dimensions: labels, factory: registry)
            made.others[key] = counter
            return counter
        }
        counter.increment(by: amount)
    }

    private func set(_ family: MetricFamily, _ value: Double, _ labels: [(String, String)] = []) {
        Meter(label: family.name, dimensions: labels, factory: registry).set(value)
    }

    private func latency(_ family: MetricFamily) -> LatencyCounts {
        guard case .latency(let counts)? = registry.readings(of: family).first?.reading else { return LatencyCounts() }
        return counts
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        components.seconds &* 1_000_000_000 &+ components.attoseconds / 1_000_000_000
    }
}
