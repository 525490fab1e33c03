// T3 and T4: a session buys a one-time ticket, the ticket tells who the user is.

extension TenantRules {
    /// T3. Does not rotate the session.
    mutating func exchangeForTicket(_ call: TenantCall, now: Duration) -> TenantAnswer {
        switch admit(call, fingerprint: call.field("device_fingerprint"), now: now) {
        case .refused(let answer): return answer
        case .admitted(let place):
            counters.tickets += 1
            let ticket = mint.ssoTicket()
            tickets.issue(ticket, place: place, now: now)
            return TenantAnswer(
                200, outcome: "ticket",
                json: .object([
                    JSONMember("sso_ticket", .string(ticket)), JSONMember("expire", .integer(TicketBook.life)),
                ]),
                user: sessions.session(place).user, generation: place.generation)
        }
    }

    /// T4. Uses the ticket up, unless it is refused for the device first.
    mutating func verifyTicket(_ call: TenantCall, now: Duration) -> TenantAnswer {
        guard let ticket = call.field("sso_ticket") else {
            return .refusal("IDAAS.SDK.PARAM.0031", "sso_ticket is empty", outcome: "ticket_missing")
        }
        guard let place = tickets.place(ticket, now: now) else {
            return .refusal("IDAAS.SDK.PARAM.0032", "sso_ticket is invalid or has expired", outcome: "ticket_invalid")
        }
        let session = sessions.session(place)
        guard call.field("device_fingerprint") == session.fingerprint else {
            return refuseFingerprint(place)
        }
        tickets.use(ticket)
        counters.verifications += 1
        return TenantAnswer(
            200, outcome: "verified", json: verifiedProfile(session.user), user: session.user,
            generation: place.generation)
    }

    /// What the tenant knows of a user.
    func profile(_ user: ExactText) -> JSONValue {
        .object([
            JSONMember("id", .text(TokenMint.userID(user))), JSONMember("userName", .string(user)),
            JSONMember("name", .string(user)), JSONMember("mobile", .text("+86-13800000000")),
            JSONMember("email", .text("\(user.text)@example.com")),
        ])
    }

    /// Flat (Bamboocloud) or wrapped (OneAccess).
    private func verifiedProfile(_ user: ExactText) -> JSONValue {
        let profile = profile(user)
        guard settings.shape == .oneaccess else { return profile }
        return .object([
            JSONMember("code", .text("200")), JSONMember("message", .text("success")),
            JSONMember("data", .object([JSONMember("user", profile)])),
        ])
    }
}
