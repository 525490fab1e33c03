// What is told of a request when it is answered: to the metrics, to the status page, and to the access log.

internal import Guard
package import Logging
internal import Model
package import Telemetry

/// What has been found out about a request so far.
struct RequestRecord: Sendable {
    let started = ContinuousClock.now
    let method: [UInt8]
    var identity: RequestIdentity
    /// The row of the tenant's API, `local`, or `none` until it is known.
    private(set) var route = "none"
    private(set) var target: RequestTarget?
    private(set) var user: UserKey?

    init(_ head: RequestHead) { (method, identity) = (head.method, RequestIdentity(head.fields)) }

    /// Of a request that could not be read.
    init() { (method, identity) = ([], RequestIdentity(HeaderFields())) }

    mutating func admitted(_ admission: Admission) { (user, target) = (admission.user, admission.target) }

    /// A path of the local API names a user: it is not kept.
    mutating func isLocal() { (route, target) = ("local", nil) }

    mutating func found(_ route: String, _ fields: HeaderFields) {
        self.route = route
        identity.trace = TraceContext(fields)
    }
}

/// Where it is told.
package struct RequestLog: Sendable {
    private let metrics: SidecarMetrics
    private let errors: RecentErrors
    /// Nil without an access log.
    private let access: Logger?

    package init(
        metrics: SidecarMetrics = SidecarMetrics(), errors: RecentErrors = RecentErrors(), access: Logger? = nil
    ) {
        (self.metrics, self.errors, self.access) = (metrics, errors, access)
    }

    func began() { metrics.requestBegan() }

    func failed(_ error: ProxyError) {
        switch error {
        case .refused, .pathNotAllowed, .headerTimeout: metrics.guardRefused(error.row.code.lowercased())
        default: break
        }
    }

    /// Every reason that `failed` may count.
    package static let guardRefusals =
        (GuardRefusal.allCases.map { ProxyError.refused($0) } + [.pathNotAllowed, .headerTimeout])
        .map { $0.row.code.lowercased() }

    func noteOverride(of sent: DeviceFingerprint?, by pinned: DeviceFingerprint?) {
        if let sent, let pinned, sent != pinned { metrics.fingerprintOverridden() }
    }

    /// - Parameter name: how logs call a user.
    func ended(_ record: RequestRecord, _ answer: LocalAnswer, name: (UserKey) -> String) {
        let duration = ContinuousClock.now - record.started
        let source = answer.fields.first(.sidecarSource).map { String(decoding: $0, as: UTF8.self) } ?? "sidecar"
        metrics.requestEnded(route: record.route, source: source, status: answer.status, after: duration)
        let code = answer.fields.first(.sidecarError).map { String(decoding: $0, as: UTF8.self) }
        if let code { errors.add(code, requestID: String(decoding: record.identity.requestID, as: UTF8.self)) }
        access?.info("request", metadata: metadata(record, answer.status, source, code, duration, name))
    }

    private func metadata(
        _ record: RequestRecord, _ status: Int, _ source: String, _ code: String?, _ duration: Duration,
        _ name: (UserKey) -> String
    ) -> Logger.Metadata {
        var values: Logger.Metadata = [
            "method": "\(String(decoding: record.method, as: UTF8.self))", "route": "\(record.route)",
            "status": "\(status)", "source": "\(source)",
            "duration_ms": "\(Double(Int(duration / .microseconds(1))) / 1000)",
            "request_id": "\(String(decoding: record.identity.requestID, as: UTF8.self))",
        ]
        if let trace = record.identity.trace {
            values["trace_id"] = "\(String(decoding: trace.traceID, as: UTF8.self))"
        }
        if let target = record.target { values["path"] = "\(String(decoding: target.routedPath, as: UTF8.self))" }
        if let user = record.user { values["user"] = "\(name(user))" }
        if let code { values["error"] = "\(code)" }
        return values
    }
}
