// T2 and S1: the calls that use up a session token and hand out its successor.

extension TenantRules {
    /// A presented token that counts, or the refusal of one that does not.
    enum Admission {
        case admitted(TokenPlace)
        case refused(TenantAnswer)
    }

    /// T2. The one that is presented is dead from here on (unless a grace time is set).
    mutating func refresh(_ call: TenantCall, now: Duration) -> TenantAnswer {
        switch admit(call, fingerprint: call.field("device_fingerprint"), now: now) {
        case .refused(let answer): return answer
        case .admitted(let place):
            counters.refreshes += 1
            let token = rotate(place, now: now)
            let user = sessions.session(place).user
            let idToken = settings.shape == .oneaccess ? [idTokenMember(user, now: now)] : []
            return TenantAnswer(
                200, outcome: "refreshed",
                json: .object([JSONMember("session_token", .string(token))] + expireMembers + idToken),
                user: user, generation: place.generation)
        }
    }

    /// S1. Needs no access token; rotates as the console switch "automatic refresh" makes it.
    mutating func exchangeForIDToken(_ call: TenantCall, now: Duration) -> TenantAnswer {
        if let refusal = refuseDeviceHeaders(call) {
            return refusal
        }
        // Each edition has its own spelling (tenant-api 6, 2).
        let field = settings.shape == .eiam ? "x-session-token" : "session-token"
        guard call.request.values(field).count == 1 else {
            return .refusal("SDK.COMMON.1001", "\(field) is blank", outcome: "session_missing")
        }
        switch admit(call, fingerprint: call.header("x-device-fingerprint"), now: now) {
        case .refused(let answer): return answer
        case .admitted(let place):
            counters.idTokens += 1
            let token = rotate(place, now: now)
            let user = sessions.session(place).user
            return TenantAnswer(
                200, outcome: "id_token",
                json: .object(
                    [JSONMember("session_token", .string(token))] + expireMembers + [idTokenMember(user, now: now)]),
                user: user, generation: place.generation)
        }
    }

    private mutating func rotate(_ place: TokenPlace, now: Duration) -> ExactText {
        let token = mint.sessionToken()
        sessions.rotate(place, to: token, now: now, life: settings.sessionLife)
        return token
    }

    /// What T2, T3 and S1 ask of a session token: known, current, and from the device that logged in. Nothing is
    /// consumed here; a dead token says nothing about the session, which lives on.
    mutating func admit(_ call: TenantCall, fingerprint: ExactText?, now: Duration) -> Admission {
        guard let token = call.sessionToken else {
            return .refused(.refusal("SDK.COMMON.1001", "session_token is blank", outcome: "session_missing"))
        }
        switch sessions.standing(token, now: now, grace: settings.previousTokenGrace) {
        case .current(let place): return admit(place, fingerprint: fingerprint)
        case .graced(let place):
            counters.graceUses += 1
            return admit(place, fingerprint: fingerprint)
        case .consumed(let place):
            counters.reuse += 1
            return .refused(refuseSession("session_reused", place))
        case .expired(let place):
            counters.unknownSessions += 1
            return .refused(refuseSession("session_expired", place))
        case .ended(let place):
            counters.unknownSessions += 1
            return .refused(refuseSession("session_ended", place))
        case .unknown:
            counters.unknownSessions += 1
            return .refused(refuseSession("session_unknown", nil))
        }
    }

    private mutating func admit(_ place: TokenPlace, fingerprint: ExactText?) -> Admission {
        guard fingerprint == sessions.session(place).fingerprint else {
            return .refused(refuseFingerprint(place))
        }
        return .admitted(place)
    }

    /// No code is documented for it; this one is the emulator's own.
    mutating func refuseFingerprint(_ place: TokenPlace) -> TenantAnswer {
        counters.fingerprintMismatches += 1
        return TenantAnswer.refusal(
            "IDAAS.SDK.PARAM.0099", "The device fingerprint is not that of the login", outcome: "fingerprint_mismatch"
        ).about(sessions.session(place).user, generation: place.generation)
    }

    private func refuseSession(_ outcome: String, _ place: TokenPlace?) -> TenantAnswer {
        TenantAnswer.refusal("IDAAS.SDK.PARAM.0023", "session_token is invalid or has expired", outcome: outcome)
            .about(place.map { sessions.session($0).user }, generation: place?.generation)
    }
}
