// How it stands just now, as `/status` shows it.

internal import JSONText
package import Telemetry

/// Everything that the status page shows. Durations in whole seconds unless a name says otherwise.
package struct StatusSnapshot: Sendable {
    package struct Tenant: Sendable {
        package var url = ""
        package var profile = ""
        /// Nothing is sent for a while.
        package var isCircuitOpen = false
        package var busyConnections = 0
        package var idleConnections = 0
        package init() {}
    }

    package struct AccessToken: Sendable {
        /// `fixed`, `file` or `client_credentials`.
        package var source = ""
        package var isUsable = false
        /// Nil for one that does not end, and without one.
        package var expiresIn: Int?
        package init() {}
    }

    /// One of the sidecar's own errors.
    package struct Failure: Sendable {
        package let code: String
        package let status: Int
        package let count: Int
        package let secondsAgo: Int
        package let requestID: String
        package let message: String
        package let remedy: String
        package init(
            code: String, status: Int, count: Int, secondsAgo: Int, requestID: String, message: String, remedy: String
        ) {
            (self.code, self.status, self.count, self.secondsAgo) = (code, status, count, secondsAgo)
            (self.requestID, self.message, self.remedy) = (requestID, message, remedy)
        }
    }

    package var version = ""
    /// RFC 3339.
    package var startedAt = ""
    package var uptime = 0
    package var readiness = Readiness(reasons: [])
    package var tenant = Tenant()
    package var accessToken = AccessToken()
    /// `sqlite` or `memory`.
    package var store = ""
    /// In memory, by state.
    package var sessions: [SidecarMetrics.SessionState: Int] = [:]
    package var requests = 0
    package var failedRequests = 0
    package var inFlight = 0
    package var rotations: [(result: String, count: Int)] = []
    /// The oldest first, `ActivityHistory.interval` apart.
    package var history: [ActivityHistory.Sample] = []
    /// The latest first.
    package var failures: [Failure] = []
    /// What is set, secrets as `•••`.
    package var configuration: [(name: String, value: String)] = []

    package init() {}

    var json: [UInt8] {
        let members: [(String, String)] = [
            ("version", Self.text(version)), ("started_at", Self.text(startedAt)), ("uptime_seconds", "\(uptime)"),
            ("ready", "\(readiness.isReady)"), ("reasons", Self.list(readiness.reasons.map { Self.text($0.text) })),
            ("tenant", tenant.json), ("access_token", accessToken.json), ("store", Self.text(store)),
            (
                "sessions",
                Self.object(SidecarMetrics.SessionState.allCases.map { ($0.rawValue, "\(sessions[$0] ?? 0)") })
            ),
            (
                "requests",
                Self.object([("total", "\(requests)"), ("failed", "\(failedRequests)"), ("in_flight", "\(inFlight)")])
            ),
            ("rotations", Self.object(rotations.map { ($0.result, "\($0.count)") })),
            ("interval_seconds", "\(ActivityHistory.interval.components.seconds)"),
            ("history", Self.list(history.map(Self.sample))), ("errors", Self.list(failures.map(\.json))),
            (
                "configuration",
                Self.list(
                    configuration.map { Self.object([("name", Self.text($0.name)), ("value", Self.text($0.value))]) })
            ),
        ]
        return Array(Self.object(members).utf8) + [0x0A]
    }

    private static func sample(_ sample: ActivityHistory.Sample) -> String {
        object([
            ("rate", number(sample.rate)), ("failures", number(sample.failures)),
            ("p50_ms", sample.median.map(number) ?? "null"), ("p99_ms", sample.p99.map(number) ?? "null"),
        ])
    }

    /// Three digits behind the point.
    private static func number(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

    fileprivate static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(text($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }

    private static func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

    fileprivate static func text(_ value: String) -> String {
        var spelling: [UInt8] = []
        JSONString.append(Array(value.utf8), to: &spelling)
        return String(decoding: spelling, as: UTF8.self)
    }
}

extension StatusSnapshot.Tenant {
    fileprivate var json: String {
        StatusSnapshot.object([
            ("url", StatusSnapshot.text(url)), ("profile", StatusSnapshot.text(profile)),
            ("circuit_open", "\(isCircuitOpen)"),
            ("connections", StatusSnapshot.object([("busy", "\(busyConnections)"), ("idle", "\(idleConnections)")])),
        ])
    }
}

extension StatusSnapshot.AccessToken {
    fileprivate var json: String {
        StatusSnapshot.object([
            ("source", StatusSnapshot.text(source)), ("usable", "\(isUsable)"),
            ("expires_in", expiresIn.map { "\($0)" } ?? "null"),
        ])
    }
}

extension StatusSnapshot.Failure {
    fileprivate var json: String {
        StatusSnapshot.object([
            ("code", StatusSnapshot.text(code)), ("status", "\(status)"), ("count", "\(count)"),
            ("seconds_ago", "\(secondsAgo)"), ("request_id", StatusSnapshot.text(requestID)),
            ("message", StatusSnapshot.text(message)), ("remedy", StatusSnapshot.text(remedy)),
        ])
    }
}
