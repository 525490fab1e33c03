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
    /// L1
    case login
    /// S1
    case idToken
    /// Answers what it received; needs a bearer.
    case tenantEcho
    /// Answers what it received; needs nothing.
    case sdkEcho
    /// A known path with another method than POST.
    case wrongMethod
    case unknown

    package init(method: String, path: String) {
        let row = Self.row(path)
        switch row {
        case .token, .refresh, .ssoTicket, .verifyTicket, .login, .idToken:
            self = method.utf8.elementsEqual("POST".utf8) ? row : .wrongMethod
        default:
            self = row
        }
    }

    /// Paths are compared byte by byte, undecoded: a tenant does not normalise for its callers.
    private static func row(_ path: String) -> TenantRoute {
        switch ExactText(path) {
        case "/api/v2/tenant/token": .token
        case "/api/v2/tenant/sso/session-token/refresh": .refresh
        case "/api/v2/tenant/sso/session-token/sso-ticket": .ssoTicket
        case "/api/v2/tenant/sso/sso-ticket/verify": .verifyTicket
        case "/api/v2/sdk/login": .login
        case "/api/v2/sdk/sso/session-token/id-token": .idToken
        case let path where path == "/api/v2/tenant/echo" || path.begins(with: "/api/v2/tenant/echo/"): .tenantEcho
        case let path where path == "/api/v2/sdk/echo" || path.begins(with: "/api/v2/sdk/echo/"): .sdkEcho
        default: .unknown
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
