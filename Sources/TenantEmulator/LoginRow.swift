// The calls that open a session, as data (tenant-api 2.2).

/// One of L1–L15.
package struct LoginRow: Equatable, Sendable {
    /// What of the body says who logs in.
    enum Who: Equatable, Sendable {
        case field(String)
        /// `mobile` or `email`.
        case mobileOrEmail
        /// The state token of the flow that goes on.
        case state
    }

    package let row: String
    let method: String
    let path: String
    let who: Who
    /// Further fields of the body that must be there.
    let fields: [String]
    /// Whether `X-state-token` of a flow must be there; it is used up.
    let needsState: Bool

    private init(
        _ row: String, _ path: String, _ who: Who, _ fields: [String] = [], method: String = "POST", state: Bool = false
    ) {
        (self.row, self.path, self.who, self.fields) = (row, path, who, fields)
        (self.method, needsState) = (method, state)
    }

    static let all = [
        LoginRow("L1", "/api/v2/sdk/login", .field("user_name"), ["password"]),
        LoginRow("L2", "/api/v2/sdk/login/auth", .field("user_name"), ["password"]),
        LoginRow("L3", "/api/v2/sdk/login/mobile-verify-code", .field("mobile"), ["verify_code"]),
        LoginRow("L4", "/api/v2/sdk/login/email-verify-code", .field("email"), ["verify_code"]),
        LoginRow("L5", "/api/v2/sdk/login/wechat", .field("code")),
        LoginRow("L6", "/api/v2/sdk/login/wechat-miniprogram", .field("code")),
        LoginRow("L7", "/api/v2/sdk/login/wechat-mini-program-mobile", .field("code")),
        LoginRow("L8", "/api/v2/sdk/login/apple", .field("code")),
        LoginRow("L9", "/api/v3/sdk/login/alipay", .field("code")),
        LoginRow("L10", "/api/v2/sdk/social/bind", .field("mobile"), ["verify_code"], state: true),
        LoginRow("L11", "/api/v2/sdk/social/register-bind", .mobileOrEmail, ["verify_code"], state: true),
        LoginRow("L12", "/api/v2/sdk/pwd/skip-update", .state, method: "GET", state: true),
        LoginRow("L13", "/api/v2/sdk/pwd/update", .state, ["old_password", "new_password"], state: true),
        LoginRow("L14", "/api/v2/sdk/mfa/sms", .state, ["mobile", "verify_code"], state: true),
        LoginRow("L15", "/api/v2/sdk/mfa/email", .state, ["email", "verify_code"], state: true),
    ]
}
