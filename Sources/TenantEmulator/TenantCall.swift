// A request as the tenant understands it, before any rule has been applied.

/// Read once, outside the lock. Nothing here depends on what the tenant remembers.
package struct TenantCall: Sendable {
    package let request: ReceivedRequest
    package let route: TenantRoute
    /// The JSON body of T2, T3, T4 and the logins; nil when it is none.
    package let json: JSONValue?
    /// The session token of T2 and T3 (body), S1 (header `session-token` or `X-session-token`) or S2–S10 (sealed in
    /// `X-signature`); nil when missing, empty, no string or given twice.
    package let sessionToken: ExactText?
    /// Of S2–S10: what the one `X-signature` holds; nil when it cannot be opened.
    package let envelope: OpenedEnvelope?

    /// - Parameter opener: opens `X-signature`; without one there is none.
    package init(_ request: ReceivedRequest, opener: EnvelopeOpener? = nil) {
        self.request = request
        self.route = TenantRoute(method: request.method, path: request.path)
        switch route {
        case .refresh, .ssoTicket, .verifyTicket, .login: self.json = try? JSONReading.object(request.body)
        default: self.json = nil
        }
        let signatures = request.values("x-signature")
        if case .userCall = route, signatures.count == 1 {
            self.envelope = opener?.open(signatures[0])
        } else {
            self.envelope = nil
        }
        switch route {
        case .refresh, .ssoTicket:
            self.sessionToken = Self.nonEmpty(json?["session_token"]?.string)
        case .idToken:
            let found = request.values("session-token") + request.values("x-session-token")
            self.sessionToken = found.count == 1 ? Self.nonEmpty(found.first) : nil
        case .userCall:
            self.sessionToken = envelope?.sessionToken
        default:
            self.sessionToken = nil
        }
    }

    private static func nonEmpty(_ text: String?) -> ExactText? {
        text.flatMap { $0.isEmpty ? nil : ExactText($0) }
    }

    /// A non-empty string field of the JSON body.
    func field(_ name: String) -> ExactText? {
        Self.nonEmpty(json?[name]?.string)
    }

    /// The value of a header that is there exactly once and not empty.
    func header(_ name: String) -> ExactText? {
        let found = request.values(name)
        return found.count == 1 ? Self.nonEmpty(found.first) : nil
    }

    /// Names of headers of the SDK family that a request may carry only once.
    private static let singleHeaders = [
        "x-operating-sys-version", "x-device-fingerprint", "x-device-ip", "x-agent", "x-client-id", "x-tenant-id",
        "authorization", "content-type", "session-token", "x-session-token", "x-signature", "x-state-token",
    ]

    /// Whether a header that must be single was sent twice.
    var repeatsHeader: Bool {
        Self.singleHeaders.contains { request.values($0).count > 1 }
    }
}
