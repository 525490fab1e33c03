// The calls of a user who is logged in, as data (tenant-api 2.3).

/// S2–S10.
package enum UserCall: String, CaseIterable, Sendable {
    case refreshIDToken, logout, profile, updateProfile, updateMobile, changePassword, updatePasswordByMobile, social,
        unbindSocial

    var method: String {
        switch self {
        case .logout, .profile, .social: "GET"
        default: "POST"
        }
    }

    var path: String {
        switch self {
        case .refreshIDToken: "/api/v2/sdk/session-token/refresh-id-token"
        case .logout: "/api/v2/sdk/logout"
        case .profile: "/api/v2/sdk/profile"
        case .updateProfile: "/api/v2/sdk/profile/update"
        case .updateMobile: "/api/v2/sdk/profile/update-mobile"
        case .changePassword: "/api/v2/sdk/pwd/change"
        case .updatePasswordByMobile: "/api/v2/sdk/pwd/update-by-mobile"
        case .social: "/api/v2/sdk/social"
        case .unbindSocial: "/api/v2/sdk/social/unbind-account"
        }
    }

    /// Whether OneAccess wants `X-signature` here; elsewhere it is an id_token.
    var isSignedByOneAccess: Bool {
        switch self {
        case .updateMobile, .changePassword, .updatePasswordByMobile: false
        default: true
        }
    }
}
