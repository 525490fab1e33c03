// Bamboocloud CIAM.

internal import Model

extension TenantProfile {
    /// The default. S5–S10 take the user's id_token as a bearer.
    package static let ciam = TenantProfile(
        name: "ciam",
        contentType: Array("application/json".utf8),
        rows: serverRows + loginRows + [exchangeRow("session-token")]
            + userRows { ["S5", "S6", "S7", "S8", "S9", "S10"].contains($0) ? .idToken : .none })
}
