// The rows of the CIAM edition (tenant facts, tables 2.1 to 2.3).

internal import Model

extension TenantProfile {
    /// Bamboocloud CIAM, the default.
    package static let ciam = TenantProfile(
        name: "ciam",
        contentType: Array("application/json".utf8),
        rows: serverRows + loginRows + sessionRows,
        deadSessionCodes: ["PARAM.0023"])

    private static let serverRows: [Row] = [
        Row(
            method: "POST", path: "/api/v2/tenant/sso/session-token/refresh",
            route: Route(row: "T2", family: .tenant, devices: .body, token: .body, session: .rotates)),
        Row(
            method: "POST", path: "/api/v2/tenant/sso/session-token/sso-ticket",
            route: Route(row: "T3", family: .tenant, devices: .body, token: .body, session: .uses)),
        Row(
            method: "POST", path: "/api/v2/tenant/sso/sso-ticket/verify",
            route: Route(row: "T4", family: .tenant, devices: .body)),
    ]

    private static let sessionRows: [Row] = [
        Row(
            method: "POST", path: "/api/v2/sdk/sso/session-token/id-token",
            route: Route(
                row: "S1", family: .sdk, devices: .header, token: .header("session-token"), session: .exchanges))
    ]

    private static let loginRows: [Row] = [
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
        Row(method: method, path: path, route: Route(row: row, family: .sdk, devices: .header, session: .opens))
    }
}
