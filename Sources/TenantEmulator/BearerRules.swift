// T1 and the bearer check: how an application gets an access token, and what one is worth.

extension TenantRules {
    /// T1. The form of the request is checked first, then the client.
    mutating func fetchToken(_ call: TenantCall, now: Duration) -> TenantAnswer {
        let request = call.request
        if let query = request.query.flatMap({ FormText(Array($0.utf8)) }), !query.values("client_secret").isEmpty {
            return Self.badTokenRequest("client_secret must not be sent in the query string")
        }
        guard request.hasContentType("application/x-www-form-urlencoded"), let form = FormText(request.body) else {
            return Self.badTokenRequest("The body is not application/x-www-form-urlencoded")
        }
        let authorization = request.values("authorization")
        guard authorization.count <= 1, authorization.isEmpty || form.values("client_secret").isEmpty else {
            return Self.badTokenRequest("More than one way of client authentication")
        }
        guard form.single("grant_type") == "client_credentials" else {
            return .oauthRefusal(
                "unsupported_grant_type", "Unauthorized grant type: \(form.single("grant_type")?.text ?? "")",
                outcome: "token_refused")
        }
        let isClient =
            authorization.first.map(isBasicCredentials)
            ?? (form.single("client_id") == ExactText(settings.clientID)
                && form.single("client_secret") == ExactText(settings.clientSecret))
        guard isClient else {
            return .oauthRefusal("invalid_client", "Bad client credentials", outcome: "token_refused", status: 401)
        }
        return issueAccessToken(now: now)
    }

    private static func badTokenRequest(_ message: String) -> TenantAnswer {
        .oauthRefusal("invalid_request", message, outcome: "token_refused")
    }

    private mutating func issueAccessToken(now: Duration) -> TenantAnswer {
        let token = mint.accessToken()
        accessTokens.issue(token, now: now, life: settings.accessTokenLife)
        counters.tokenFetches += 1
        let idToken = mint.idToken(
            user: ExactText(settings.clientID), audience: settings.clientID, now: wholeSeconds(now))
        return TenantAnswer(
            200, outcome: "token",
            json: .object([
                JSONMember("access_token", .string(token)), JSONMember("token_type", .text("bearer")),
                JSONMember("expires_in", .integer(settings.accessTokenLife)), JSONMember("scope", .text("all")),
                JSONMember("id_token", .text(idToken)),
            ]))
    }

    /// `Basic base64(id:secret)`; the two parts as they are ([field], tenant-api 1) or form-encoded (RFC 6749 2.3.1).
    private func isBasicCredentials(_ value: String) -> Bool {
        guard let encoded = Self.credentials(value, scheme: "basic"), let plain = Base64Text.decode(encoded.text)
        else { return false }
        if plain.elementsEqual("\(settings.clientID):\(settings.clientSecret)".utf8) { return true }
        let halves = plain.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, let id = FormText.decode(Array(halves[0])),
            let secret = FormText.decode(Array(halves[1]))
        else { return false }
        return ExactText(id) == ExactText(settings.clientID) && ExactText(secret) == ExactText(settings.clientSecret)
    }

    /// What follows the scheme in an Authorization value; nil for another scheme.
    static func credentials(_ value: String, scheme: String) -> ExactText? {
        let parts = value.utf8.split(separator: UInt8(ascii: " "), maxSplits: 1)
        guard parts.count == 2, sameIgnoringCase(parts[0], scheme.utf8) else { return nil }
        return String(parts[1]).map { ExactText($0) }
    }

    /// The OAuth layer in front of every `/api/v2/tenant/` call but T1. Like the real one it answers 400, not 401, and
    /// repeats the token in its message (tenant-api 3.1).
    mutating func refuseBearer(_ call: TenantCall, now: Duration) -> TenantAnswer? {
        let values = call.request.values("authorization")
        let token = values.count == 1 ? values.first.flatMap { Self.credentials($0, scheme: "bearer") } : nil
        let standing = token.map { accessTokens.standing($0, now: now) } ?? .unknown
        let shown = token?.text ?? ""
        switch standing {
        case .valid: return nil
        case .expired:
            counters.bearerRejected += 1
            return .oauthRefusal("invalid_token", "Access token expired:\(shown)", outcome: "bearer_rejected")
        case .unknown:
            counters.bearerRejected += 1
            return .oauthRefusal("invalid_token", "Invalid access token: \(shown)", outcome: "bearer_rejected")
        }
    }

    /// Whether a request that must not carry one has an issued access token in any header, with or without a scheme.
    func leaksAccessToken(_ request: ReceivedRequest) -> Bool {
        guard !request.path.utf8.starts(with: "/api/v2/tenant/".utf8) else { return false }
        return request.headers.contains { field in
            let bare = field.value.utf8.split(separator: UInt8(ascii: " ")).last.flatMap { String($0) }
            return bare.map { accessTokens.knows(ExactText($0)) } ?? false
        }
    }

    /// Registers a token that T1 never gave out.
    package mutating func registerAccessToken(_ token: ExactText, life: Int, now: Duration) {
        accessTokens.issue(token, now: now, life: life)
    }

    package mutating func expireAccessTokens(now: Duration) {
        accessTokens.expireAll(now: now)
    }
}

/// A time since 1970, cut to seconds.
func wholeSeconds(_ time: Duration) -> Int {
    Int(time.components.seconds)
}
