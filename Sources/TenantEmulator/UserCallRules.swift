// S2–S10 and their helpers: what a user may do with a session, proved by an id_token or by an envelope.

extension TenantRules {
    /// How far an envelope's time may be from the tenant's.
    private static let envelopeTolerance = 300_000

    mutating func userCall(_ row: UserCall, _ call: TenantCall, now: Duration) -> TenantAnswer {
        if let refusal = refuseDeviceHeaders(call) { return refusal }
        let user: ExactText
        if settings.shape == .oneaccess ? row.isSignedByOneAccess : call.request.values("x-signature").count == 1 {
            switch openEnvelope(call, now: now) {
            case .refused(let answer): return answer
            case .admitted(let place):
                user = sessions.session(place).user
                if row == .logout { sessions.end(place) }
            }
        } else {
            guard let owner = idTokenOwner(call.request, now: now) else {
                counters.idTokensRejected += 1
                return .refusal(
                    "IDAAS.SDK.PARAM.0016", "id_token is invalid or has expired", outcome: "id_token_rejected")
            }
            user = owner
        }
        counters.userCalls += 1
        var answer = content(row, user, now: now)
        answer.user = user
        return answer
    }

    private mutating func content(_ row: UserCall, _ user: ExactText, now: Duration) -> TenantAnswer {
        switch row {
        case .refreshIDToken:
            TenantAnswer(200, outcome: "id_token_alone", json: .object([idTokenMember(user, now: now)]))
        case .profile: TenantAnswer(200, outcome: "profile", json: profile(user))
        case .social:
            TenantAnswer(
                200, outcome: "social",
                json: .object([
                    JSONMember(
                        "social",
                        .array([
                            .object([
                                JSONMember("id", .text("1")), JSONMember("userId", .text(TokenMint.userID(user))),
                                JSONMember("socialType", .text("WECHAT")),
                            ])
                        ]))
                ]))
        case .logout, .updateProfile, .updateMobile, .changePassword, .updatePasswordByMobile, .unbindSocial:
            // 200 with a JSON type and no body at all (tenant-api 6, 12).
            .empty(outcome: row.rawValue)
        }
    }

    private mutating func openEnvelope(_ call: TenantCall, now: Duration) -> Admission {
        let clock = tenantMilliseconds(now)
        guard let envelope = call.envelope, abs(envelope.timestamp - clock) <= Self.envelopeTolerance,
            nonces.insert(envelope.nonce).inserted
        else {
            counters.envelopesRejected += 1
            return .refused(
                .refusal("PARAM.0030", "X-signature is invalid or has expired", outcome: "envelope_rejected"))
        }
        return admit(call, fingerprint: call.header("x-device-fingerprint"), now: now)
    }

    private func idTokenOwner(_ request: ReceivedRequest, now: Duration) -> ExactText? {
        let values = request.values("authorization")
        guard values.count == 1, let token = Self.credentials(values[0], scheme: "bearer") else { return nil }
        return mint.owner(ofIDToken: token.text, now: wholeSeconds(now))
    }

    mutating func publicKey(_ call: TenantCall) -> TenantAnswer {
        refuseDeviceHeaders(call)
            ?? TenantAnswer(
                200, outcome: "public_key", json: .object([JSONMember("public_key", .text(envelopes.publicKeyPEM))]))
    }

    /// A string (tenant-api 2.4), in milliseconds.
    mutating func serverDate(_ call: TenantCall, now: Duration) -> TenantAnswer {
        refuseDeviceHeaders(call)
            ?? TenantAnswer(
                200, outcome: "server_date",
                json: .object([JSONMember("timestamp", .text(String(tenantMilliseconds(now))))]))
    }

    private func tenantMilliseconds(_ now: Duration) -> Int {
        (wholeSeconds(now) + settings.clockOffset) * 1000
            + Int(now.components.attoseconds / 1_000_000_000_000_000)
    }

    /// What sealed or signed proofs said so far is worth nothing from here on.
    package mutating func replaceEnvelopeKey() { envelopes.replaceKey() }

    package mutating func expireIDTokens() { mint.expireIDTokens() }
}
