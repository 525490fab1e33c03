// Huawei Cloud OneAccess.

internal import Model

extension TenantProfile {
    /// Its SDK calls take the session token sealed in `X-signature`; its bodies are `charset=utf8`, without a hyphen.
    package static let oneAccess = TenantProfile(
        name: "oneaccess",
        contentType: Array("application/json;charset=utf8".utf8),
        rows: serverRows + loginRows + [exchangeRow("session-token")]
            + userRows { ["S2", "S3", "S4", "S5", "S9", "S10"].contains($0) ? .envelope : .none })
}
