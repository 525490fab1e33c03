// One edition of the tenant's API as data, and the rows that all editions have.

internal import Model

/// Everything that differs between the tenant's editions (`SIDECAR_PROFILE`).
package struct TenantProfile: Sendable {
    package struct Row: Sendable {
        let method: String
        let path: String
        let route: Route
    }

    package let name: String
    /// The row that refreshes a session token, for refreshes that no app asked for.
    package static let refreshPath = Array("/api/v2/tenant/sso/session-token/refresh".utf8)
    /// S1, for id_tokens that no app asked for.
    package static let idTokenPath = Array("/api/v2/sdk/sso/session-token/id-token".utf8)
    /// The exact `Content-Type` of T2–T4.
    package let contentType: [UInt8]
    let rows: [Row]
    /// Endings of `error_code` that say that a session is over (contract 7.7).
    package var deadSessionCodes = ["PARAM.0023"]

    /// Whether id_tokens are kept, to be offered where an app sends none.
    package var offersIDTokens: Bool { rows.contains { $0.route.token == .idToken } }
}

extension TenantProfile {
    /// T2–T4 (tenant facts, table 2.1).
    static let serverRows: [Row] = [
        Row(
            method: "POST", path: "/api/v2/tenant/sso/session-token/refresh",
            route: Route(
                row: "T2", family: .tenant, devices: .body, token: .body, session: .rotates, sending: .afterRenewal)),
        Row(
            method: "POST", path: "/api/v2/tenant/sso/session-token/sso-ticket",
            route: Route(
                row: "T3", family: .tenant, devices: .body, token: .body, session: .uses, sending: .afterRenewal)),
        Row(
            method: "POST", path: "/api/v2/tenant/sso/sso-ticket/verify",
            route: Route(row: "T4", family: .tenant, devices: .body, sending: .afterRenewal)),
    ]

    /// L1–L15 (table 2.2).
    static let loginRows: [Row] = [
        login("L1", "POST", "/api/v2/sdk/login"),
        login("L2", "POST", "/api/v2/sdk/login/auth"),
        login("L3", "POST", "/api/v2/sdk/login/mobile-verify-code"),
        login("L4", "POST", "/api/v2/sdk/login/email-verify-code"),
        login("L5", "POST", "/api/v2/sdk/login/wechat"),
        login("L6", "POST", "/api/v2/sdk/login/wechat-miniprogram"),
        login("L7", "POST", "/api/v2/sdk/login/wechat-mini-program-mobile"),
        login("L8", "POST", "/api/v2/sdk/login/apple"),
        login("L9", "POST", "/api/v3/sdk/login/alipay"),
        login("L10", "POST", "/api/v2/sdk/social/bind"),
        login("L11", "POST", "/api/v2/sdk/social/register-bind"),
        login("L12", "GET", "/api/v2/sdk/pwd/skip-update"),
        login("L13", "POST", "/api/v2/sdk/pwd/update"),
        login("L14", "POST", "/api/v2/sdk/mfa/sms"),
        login("L15", "POST", "/api/v2/sdk/mfa/email"),
    ]

    private static func login(_ row: String, _ method: String, _ path: String) -> Row {
        Row(
            method: method, path: path,
            route: Route(row: row, family: .sdk, devices: .header, session: .opens, sending: .once))
    }

    /// S1: takes the session token in a header field, each edition in its own spelling (table 2.3).
    static func exchangeRow(_ field: FieldName) -> Row {
        Row(
            method: "POST", path: "/api/v2/sdk/sso/session-token/id-token",
            route: Route(
                row: "S1", family: .sdk, devices: .header, token: .header(field), session: .exchanges, sending: .once))
    }

    /// S2–S10 (table 2.3).
    /// - Parameter proof: what of the session a row carries when the app brings no proof of its own.
    static func userRows(_ proof: (_ row: String) -> Route.TokenPlace) -> [Row] {
        let rows: [(row: String, method: String, path: String)] = [
            ("S2", "POST", "/api/v2/sdk/session-token/refresh-id-token"),
            ("S3", "GET", "/api/v2/sdk/logout"),
            ("S4", "GET", "/api/v2/sdk/profile"),
            ("S5", "POST", "/api/v2/sdk/profile/update"),
            ("S6", "POST", "/api/v2/sdk/profile/update-mobile"),
            ("S7", "POST", "/api/v2/sdk/pwd/change"),
            ("S8", "POST", "/api/v2/sdk/pwd/update-by-mobile"),
            ("S9", "GET", "/api/v2/sdk/social"),
            ("S10", "POST", "/api/v2/sdk/social/unbind-account"),
        ]
        return rows.map { row in
            let token = proof(row.row)
            let isProved = token != .none
            let route = Route(
                row: row.row, family: .sdk, devices: .header, token: token, session: isProved ? .uses : .none,
                sending: row.row == "S3" ? .once : isProved ? .afterRenewal : .ifSafe)
            return Row(method: row.method, path: row.path, route: route)
        }
    }
}
