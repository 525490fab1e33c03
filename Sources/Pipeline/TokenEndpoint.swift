// What an app gets that fetches an access token by itself (contract 4).

/// `SIDECAR_TOKEN_ENDPOINT`: the sidecar alone mints access tokens.
package enum TokenEndpoint: String, CaseIterable, Sendable {
    /// 403.
    case refuse
    /// A worthless token of the right shape, so that such an app works with nothing but its base URL changed: whatever it then sends
    /// as `Authorization` is dropped and replaced.
    case placeholder

    static let placeholderAnswer = Array(
        #"{"access_token":"sidecar-placeholder-token","token_type":"Bearer","expires_in":1800,"scope":"all"}"#.utf8)
}
