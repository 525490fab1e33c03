// What the admin port shows, gathered from the rooms.

internal import AccessTokens
internal import Admin
internal import CurlTransport
internal import Model
internal import NIOConcurrencyHelpers
internal import Pipeline
internal import Sessions
internal import Telemetry
internal import Tenant

/// Looks when it is asked; nothing here waits for the tenant or the store.
struct StatusReading: Sendable {
    let configuration: SidecarConfiguration
    let assembly: Assembly
    let history: ActivityHistory
    private let process = ProcessStatus(startedAt: SystemClock().now())
    private let started = ContinuousClock.now
    private let isDraining = NIOLockedValueBox(false)

    init(_ configuration: SidecarConfiguration, _ assembly: Assembly) {
        (self.configuration, self.assembly) = (configuration, assembly)
        history = ActivityHistory(assembly.metrics)
    }

    func drains() { isDraining.withLockedValue { $0 = true } }

    var readiness: Readiness {
        var reasons: [Readiness.Reason] = []
        if !assembly.accessTokens.isUsable { reasons.append(.noAccessToken) }
        if let trouble = assembly.sessions.storeTrouble {
            reasons.append(.store(trouble))
        } else if !assembly.sessions.isWritable {
            reasons.append(.storeNotWritable)
        }
        if !assembly.sessions.isDurable { reasons.append(.unsavedSessions) }
        if isDraining.withLockedValue({ $0 }) { reasons.append(.draining) }
        return Readiness(reasons: reasons)
    }

    private var sessions: [SidecarMetrics.SessionState: Int] {
        let (states, refreshing) = assembly.sessions.tally
        return [
            .live: max(0, states.live - refreshing), .refreshing: refreshing, .unknown: states.unknown,
            .dead: states.dead,
        ]
    }

    /// The page for Prometheus.
    func metrics() -> String {
        var levels = SidecarMetrics.Levels()
        levels.isReady = readiness.isReady
        levels.version = Version.text
        levels.accessTokenExpiry = assembly.accessTokens.remaining.map { $0 / .seconds(1) } ?? .infinity
        levels.sessions = sessions
        (levels.busyConnections, levels.idleConnections) = assembly.transport.connections
        levels.process = process.figures()
        assembly.metrics.show(levels)
        return assembly.metrics.registry.prometheusText
    }

    func status() -> StatusSnapshot {
        var status = StatusSnapshot()
        (status.version, status.startedAt) = (Version.text, process.startedAt.rfc3339)
        status.uptime = Int((ContinuousClock.now - started).components.seconds)
        status.readiness = readiness
        status.tenant.url = configuration.transport.origin.text
        status.tenant.profile = configuration.profile.name
        status.tenant.isCircuitOpen = assembly.breaker.isOpen
        (status.tenant.busyConnections, status.tenant.idleConnections) = assembly.transport.connections
        status.accessToken.source = configuration.tokenSource.name
        status.accessToken.isUsable = assembly.accessTokens.isUsable
        status.accessToken.expiresIn = assembly.accessTokens.remaining.map { Int($0.components.seconds) }
        status.store = configuration.store.name
        status.sessions = sessions
        (status.requests, status.failedRequests) = assembly.metrics.requestCounts
        status.inFlight = assembly.metrics.inFlight
        status.rotations = assembly.metrics.rotationCounts
        status.history = history.samples
        status.failures = assembly.errors.all.compactMap(Self.failure)
        status.configuration = configuration.shown
        return status
    }

    private static func failure(_ entry: RecentErrors.Entry) -> StatusSnapshot.Failure? {
        guard let row = ErrorRow.all.first(where: { $0.code == entry.code }) else { return nil }
        return StatusSnapshot.Failure(
            code: row.code, status: row.status, count: entry.count,
            secondsAgo: Int((ContinuousClock.now - entry.last).components.seconds), requestID: entry.requestID,
            message: row.message, remedy: row.remedy)
    }
}

extension SidecarConfiguration.TokenSource {
    fileprivate var name: String {
        switch self {
        case .fixed: "fixed"
        case .file: "file"
        case .clientCredentials: "client_credentials"
        }
    }
}
