// What can be set about the tenant, at start and while it runs.

/// How much of the vendor documents' variety the answers show.
package enum AnswerShape: String, Sendable, CaseIterable {
    /// Bamboocloud: T2 without id_token, T4 flat.
    case ciam
    /// Bamboocloud for employees: S1 with `X-session-token`.
    case eiam
    /// Huawei OneAccess: T2 with id_token, T4 wrapped in `code`, `message`, `data.user`, user calls with `X-signature`.
    case oneaccess
}

/// How `expire` of a session answer is spelled.
package enum ExpireField: String, Sendable, CaseIterable {
    case number
    case string
    case absent
}

package struct TenantSettings: Sendable, Equatable {
    /// The one application that exists; also the `X-client-id` of SDK calls.
    package var clientID = "demo-client"
    package var clientSecret = "demo-secret"
    /// The password of every user.
    package var password = "demo-password"
    package var shape = AnswerShape.ciam
    /// What every captcha and message says.
    package var verifyCode = "000000"
    /// Seconds by which the tenant's clock is ahead of this machine's.
    package var clockOffset = 0
    /// Of the key that `X-signature` is sealed with.
    package var envelopeKeyBits = 2048
    /// Seconds a fetched access token lives (`expires_in` of T1). Zero: dead on arrival.
    package var accessTokenLife = 1800
    /// Seconds a session token lives (`expire` of T2, L1, S1).
    package var sessionLife = 43200
    /// Seconds a superseded session token is still accepted. Zero: not at all.
    package var previousTokenGrace = 0
    package var expireField = ExpireField.number

    package init() {}
}
