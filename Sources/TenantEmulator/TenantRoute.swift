// Which row of the tenant API a request addresses.

package enum TenantRoute: Equatable, Sendable {
    /// T1
    case token
    /// T2
    case refresh
    /// T3
    case ssoTicket
    /// T4
    case verifyTicket
    /// L1–L15
    case login(LoginRow)
    /// S1
    case idToken
    /// S2–S10
    case userCall(UserCall)
    /// The application's public key, for `X-signature`.
    case publicKey
    /// The tenant's clock.
    case serverDate
    /// Answers what it received; needs a bearer.
    case tenantEcho
    /// Answers what it received; needs nothing.
    case sdkEcho
    /// A known path with another method than its own.
    case wrongMethod
    case unknown

    package init(method: String, path: String) {
        let (row, wanted) = Self.row(path)
        self = wanted.map { method.utf8.elementsEqual($0.utf8) } ?? true ? row : .wrongMethod
    }

    /// Paths are compared byte by byte, undecoded: a tenant does not normalise for its callers.
    private static func row(_ path: String) -> (TenantRoute, method: String?) {
        let path = ExactText(path)
        if let login = LoginRow.all.first(where: { path == ExactText($0.path) }) {
            return (.login(login), login.method)
        }
        if let call = UserCall.allCases.first(where: { path == ExactText($0.path) }) {
            return (.userCall(call), call.method)
        }
        switch path {
        case "/api/v2/tenant/token": return (.token, "POST")
        case "/api/v2/tenant/sso/session-token/refresh": return (.refresh, "POST")
        case "/api/v2/tenant/sso/session-token/sso-ticket": return (.ssoTicket, "POST")
        case "/api/v2/tenant/sso/sso-ticket/verify": return (.verifyTicket, "POST")
        case "/api/v2/sdk/sso/session-token/id-token": return (.idToken, "POST")
        case "/api/v2/sdk/public-key": return (.publicKey, "GET")
        case "/api/v2/sdk/server-date": return (.serverDate, "GET")
        case let path where path == "/api/v2/tenant/echo" || path.begins(with: "/api/v2/tenant/echo/"):
            return (.tenantEcho, nil)
        case let path where path == "/api/v2/sdk/echo" || path.begins(with: "/api/v2/sdk/echo/"): return (.sdkEcho, nil)
        default: return (.unknown, nil)
        }
    }

    /// T2, T3 and T4: bearer first, then device fields in the body.
    var isTenantSession: Bool {
        self == .refresh || self == .ssoTicket || self == .verifyTicket
    }

    /// T2 and S1: the token that is presented is used up by it.
    var rotates: Bool {
        self == .refresh || self == .idToken
    }
}
