// Everything the emulator counts, for `GET /state` of the control port.

package struct TenantCounters: Sendable, Equatable {
    /// Requests whose last byte arrived at the tenant's listener.
    package var requests = 0
    /// L1–L15 answered with a session.
    package var logins = 0
    /// L1–L15 with a wrong password or code.
    package var loginFailures = 0
    /// L1–L15 answered 200 without a session (tenant-api 2.5).
    package var loginFlows = 0
    /// T2 answered 200: rotations by refresh.
    package var refreshes = 0
    /// T3 answered 200.
    package var tickets = 0
    /// T4 answered 200.
    package var verifications = 0
    /// S2–S10 answered 200.
    package var userCalls = 0
    /// S2–S10 with an id_token that was never issued or has ended.
    package var idTokensRejected = 0
    /// S2–S10 with an `X-signature` that cannot be opened, is too old, or was there before.
    package var envelopesRejected = 0
    /// S1 answered 200: rotations by id-token.
    package var idTokens = 0
    /// T1 answered 200.
    package var tokenFetches = 0
    /// T2, T3 or S1 with a token that had been rotated out before, and was refused for it.
    package var reuse = 0
    /// T2, T3 or S1 with a token that had been rotated out, accepted within the grace time.
    package var graceUses = 0
    /// A T2 or S1 that arrived while another with the same token had not been answered.
    package var concurrentPresentations = 0
    package var fingerprintMismatches = 0
    package var missingDeviceFields = 0
    package var bearerRejected = 0
    /// Requests outside `/api/v2/tenant/` that carried an access token issued by T1.
    package var accessTokenLeaks = 0
    /// T2, T3 or S1 with a token that was never issued, has expired, or whose session was ended.
    package var unknownSessions = 0
    package var connectionsAccepted = 0
    package var connectionsOpen = 0
    package var faultsFired = 0

    package init() {}

    var json: JSONValue {
        .object([
            JSONMember("requests", .integer(requests)),
            JSONMember("logins", .integer(logins)),
            JSONMember("login_failures", .integer(loginFailures)),
            JSONMember("login_flows", .integer(loginFlows)),
            JSONMember("refreshes", .integer(refreshes)),
            JSONMember("tickets", .integer(tickets)),
            JSONMember("verifications", .integer(verifications)),
            JSONMember("id_tokens", .integer(idTokens)),
            JSONMember("user_calls", .integer(userCalls)),
            JSONMember("id_tokens_rejected", .integer(idTokensRejected)),
            JSONMember("envelopes_rejected", .integer(envelopesRejected)),
            JSONMember("token_fetches", .integer(tokenFetches)),
            JSONMember("reuse", .integer(reuse)),
            JSONMember("grace_uses", .integer(graceUses)),
            JSONMember("concurrent_presentations", .integer(concurrentPresentations)),
            JSONMember("fingerprint_mismatches", .integer(fingerprintMismatches)),
            JSONMember("missing_device_fields", .integer(missingDeviceFields)),
            JSONMember("bearer_rejected", .integer(bearerRejected)),
            JSONMember("access_token_leaks", .integer(accessTokenLeaks)),
            JSONMember("unknown_sessions", .integer(unknownSessions)),
            JSONMember("connections_accepted", .integer(connectionsAccepted)),
            JSONMember("connections_open", .integer(connectionsOpen)),
            JSONMember("faults_fired", .integer(faultsFired)),
        ])
    }
}
