// A request as the tenant understands it, before any rule has been applied.

/// Read once, outside the lock. Nothing here depends on what the tenant remembers.
package struct TenantCall: Sendable {
    package let request: ReceivedRequest
    package let route: TenantRoute
    /// The JSON body of T2, T3, T4 and L1; nil when it is none.
    package let json: JSONValue?
    /// The session token of T2 and T3 (body) or S1 (header `session-token` or `X-session-token`); nil when missing,
    /// empty, no string or given twice.
    package let sessionToken: ExactText?

    package init(_ request: ReceivedRequest) {
        self.request = request
        self.route = TenantRoute(method: request.method, path: request.path)
        if route.isTenantSession || route == .login {
            self.json = try? JSONReading.object(request.body)
        } else {
            self.json = nil
        }
        switch route {
        case .refresh, .ssoTicket:
            self.sessionToken = Self.nonEmpty(json?["session_token"]?.string)
        case .idToken:
            let found = request.values("session-token") + request.values("x-session-token")
            self.sessionToken = found.count == 1 ? Self.nonEmpty(found.first) : nil
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
        "authorization", "content-type",
    ]

    /// Whether a header that must be single was sent twice.
    var repeatsHeader: Bool {
        Self.singleHeaders.contains { request.values($0).count > 1 }
    }
}
