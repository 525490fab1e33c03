// Bamboocloud EIAM: the same calls for the employees of an organisation.

internal import Model

extension TenantProfile {
    /// S1 has another header field; how S2–S10 are proved is not documented, so they pass with what the app sends.
    package static let eiam = TenantProfile(
        name: "eiam",
        contentType: Array("application/json".utf8),
        rows: serverRows + loginRows + [exchangeRow("X-session-token")] + userRows { _ in .none })
}
