// Every metric there is: name, kind, labels and meaning (contract 13).

/// One metric with its labels. The reference in the documentation is printed from these.
package struct MetricFamily: Sendable, Hashable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    package let name: String
    package let kind: Kind
    package let labels: [String]
    /// One line, as `# HELP` shows it.
    package let meaning: String

    private init(_ name: String, _ kind: Kind, _ labels: [String] = [], _ meaning: String) {
        (self.name, self.kind, self.labels, self.meaning) = (name, kind, labels, meaning)
    }

    /// In the order of the page.
    package static let all = requestFamilies + upstreamFamilies + sessionFamilies + storeFamilies + processFamilies

    private static let named = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    static func called(_ name: String) -> MetricFamily? { named[name] }

    /// The documentation's table.
    package static var markdown: String {
        let rows = all.map { family in
            "| `\(family.name)` | \(family.kind.rawValue) | \(family.labels.map { "`\($0)`" }.joined(separator: " ")) | \(family.meaning) |"
        }
        return (["| metric | kind | labels | meaning |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }

    /// A few lines per metric, for a terminal.
    package static var plain: String {
        all.map { family in
            let labels = family.labels.isEmpty ? "" : "{\(family.labels.joined(separator: ","))}"
            return "\(family.name)\(labels), \(family.kind.rawValue)\n    \(family.meaning)"
        }.joined(separator: "\n")
    }
}

extension MetricFamily {
    static let requests = MetricFamily(
        "sidecar_requests_total", .counter, ["route", "source", "status"],
        "Answered requests by row of the tenant's API, by how the answer was made, and by status.")
    static let requestDuration = MetricFamily(
        "sidecar_request_duration_seconds", .histogram, [],
        "From the header of a request to the header of its answer.")
    static let inFlight = MetricFamily("sidecar_in_flight", .gauge, [], "Requests that are worked on.")
    static let guardRefusals = MetricFamily(
        "sidecar_guard_refusals_total", .counter, ["reason"],
        "Requests that were refused before anything was looked at, by error code.")
    private static let requestFamilies = [requests, requestDuration, inFlight, guardRefusals]

    static let upstreamDuration = MetricFamily(
        "sidecar_upstream_duration_seconds", .histogram, [],
        "From the sending of a request to the header of the tenant's answer.")
    static let upstreamErrors = MetricFamily(
        "sidecar_upstream_errors_total", .counter, ["reason"], "Requests that got no answer of the tenant, by reason.")
    static let upstreamConnections = MetricFamily(
        "sidecar_upstream_connections", .gauge, ["state"], "Connections to the tenant, busy or idle.")
    static let circuitOpen = MetricFamily(
        "sidecar_upstream_circuit_open", .gauge, [],
        "1 while nothing is sent because the tenant failed many times in a row.")
    static let renewals = MetricFamily(
        "sidecar_access_token_renewals_total", .counter, ["result", "reason"],
        "Fetches of an access token; the reason of a failure.")
    static let accessTokenExpiry = MetricFamily(
        "sidecar_access_token_expiry_seconds", .gauge, [],
        "What is left of the access token's life; 0 without one, +Inf for one that does not end.")
    private static let upstreamFamilies = [
        upstreamDuration, upstreamErrors, upstreamConnections, circuitOpen, renewals, accessTokenExpiry,
    ]

    static let rotations = MetricFamily(
        "sidecar_rotations_total", .counter, ["result"], "Presentations of a session token for a new one, by result.")
    static let rotationDuration = MetricFamily(
        "sidecar_rotation_duration_seconds", .histogram, [],
        "From the decision to rotate to the durable new token, or to the failure.")
    static let coalesced = MetricFamily(
        "sidecar_rotation_coalesced_total", .counter, [], "Refreshes that got the answer of another caller's rotation.")
    static let replays = MetricFamily(
        "sidecar_rotation_replays_total", .counter, [],
        "Refreshes that were answered with the stored newest token; nothing was sent.")
    static let sessions = MetricFamily(
        "sidecar_sessions", .gauge, ["state"], "Sessions in memory by state; the store may hold more.")
    static let overrides = MetricFamily(
        "sidecar_fingerprint_overrides_total", .counter, [],
        "Requests whose device fingerprint was not the session's and was replaced.")
    static let superseded = MetricFamily(
        "sidecar_superseded_tokens_total", .counter, [],
        "Presentations of a session token that was replaced longer ago than the grace: possibly a stolen one.")
    private static let sessionFamilies = [
        rotations, rotationDuration, coalesced, replays, sessions, overrides, superseded,
    ]

    static let storeOperations = MetricFamily(
        "sidecar_store_operations_total", .counter, ["operation", "result"], "Calls of the store.")
    static let storeDuration = MetricFamily(
        "sidecar_store_duration_seconds", .histogram, [], "How long calls of the store take, waiting included.")
    static let damagedRecords = MetricFamily(
        "sidecar_store_damaged_records_total", .counter, [],
        "Stored sessions that could not be opened and were skipped.")
    static let storeClaims = MetricFamily(
        "sidecar_store_claims_total", .counter, ["state"],
        "Attempts to claim a session for a rotation: held by this sidecar, busy with another's, or broken because the store failed."
    )
    static let storeTrouble = MetricFamily(
        "sidecar_store_trouble", .gauge, ["reason"], "1 for what keeps a shared store from being used just now.")
    private static let storeFamilies = [storeOperations, storeDuration, damagedRecords, storeClaims, storeTrouble]

    static let ready = MetricFamily("sidecar_ready", .gauge, [], "1 while /readyz says yes.")
    static let buildInfo = MetricFamily("sidecar_build_info", .gauge, ["version"], "Always 1; the version is a label.")
    static let cpuSeconds = MetricFamily(
        "process_cpu_seconds_total", .counter, [], "User and system CPU time of the process.")
    static let residentBytes = MetricFamily("process_resident_memory_bytes", .gauge, [], "Resident memory.")
    static let virtualBytes = MetricFamily("process_virtual_memory_bytes", .gauge, [], "Virtual memory.")
    static let openDescriptors = MetricFamily("process_open_fds", .gauge, [], "Open file descriptors.")
    static let maximumDescriptors = MetricFamily("process_max_fds", .gauge, [], "Limit of open file descriptors.")
    static let startTime = MetricFamily(
        "process_start_time_seconds", .gauge, [], "When the process started, in seconds since 1970.")
    private static let processFamilies = [
        ready, buildInfo, cpuSeconds, residentBytes, virtualBytes, openDescriptors, maximumDescriptors, startTime,
    ]
}
