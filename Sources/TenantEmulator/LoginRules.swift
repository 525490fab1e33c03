// L1–L15: logins, and the flows that they can turn into.

extension TenantRules {
    /// Needs no access token; the application is named by `X-client-id` alone.
    mutating func logIn(_ row: LoginRow, _ call: TenantCall, now: Duration) -> TenantAnswer {
        if let refusal = refuseDeviceHeaders(call) ?? (row.method == "GET" ? nil : refuseBody(call)) {
            return refusal
        }
        if row.needsState, call.header("x-state-token").flatMap({ states[$0] }) == nil {
            return .refusal("IDAAS.SDK.PARAM.0014", "The state token is invalid", outcome: "state_invalid")
        }
        guard let user = loginUser(row, call), row.fields.allSatisfy({ call.field($0) != nil }),
            let fingerprint = call.header("x-device-fingerprint")
        else {
            return .refusal("SDK.COMMON.1001", "A parameter is blank", outcome: "body_invalid")
        }
        if let refusal = refuseProof(call) {
            counters.loginFailures += 1
            return refusal.about(user)
        }
        if let state = call.header("x-state-token") { states[state] = nil }
        if !row.needsState, let flow = flow(user) {
            return self.flow(flow.status, flow.data, user: user, now: now)
        }
        counters.logins += 1
        let token = openSession(user: user, fingerprint: fingerprint, now: now)
        var answer = TenantAnswer(
            200, outcome: "login",
            json: .object(
                [JSONMember("session_token", .string(token))] + expireMembers
                    + [JSONMember("status", .text("SUCCESS")), idTokenMember(user, now: now)]),
            user: user, generation: 0)
        // A browser's affair; whoever keeps it for another caller mixes users up.
        answer.headers.append(HeaderField("Set-Cookie", "login=\(TokenMint.userID(user)); Path=/; HttpOnly"))
        return answer
    }

    /// Who logs in.
    func loginUser(_ row: LoginRow, _ call: TenantCall) -> ExactText? {
        switch row.who {
        case .field(let name): call.field(name)
        case .mobileOrEmail: call.field("mobile") ?? call.field("email")
        case .state: call.header("x-state-token").flatMap { states[$0] }
        }
    }

    /// A password or a code that is there must be right.
    private func refuseProof(_ call: TenantCall) -> TenantAnswer? {
        if let password = call.field("password") ?? call.field("old_password"),
            password != ExactText(settings.password)
        {
            return .refusal(
                "SDK.LOGIN.1005", "Wrong user name or password, 4 attempts left", outcome: "login_refused")
        }
        if let code = call.field("verify_code"), code != ExactText(settings.verifyCode) {
            return .refusal("IDAAS.SDK.CAPTCHA.0007", "The verification code is wrong", outcome: "login_refused")
        }
        return nil
    }

    /// Users whose login is not the end of it (tenant-api 2.5).
    private func flow(_ user: ExactText) -> (status: String, data: String)? {
        if user.begins(with: "mfa") { return ("MFA_AUTH", #"{"mobile":"+86-138****0000"}"#) }
        if user.begins(with: "expired") { return ("PASSWORD_EXPIRED", #"{"pwd_policy":"min 8"}"#) }
        if user.begins(with: "warned") { return ("PASSWORD_WARN", #"{"days":3}"#) }
        if user.begins(with: "unbound") { return (" SOCIAL_BIND", #"{"social_type":"WECHAT"}"#) }
        if user.begins(with: "new") { return ("USER_REGISTER", #"{"social_type":"WECHAT"}"#) }
        return nil
    }

    /// A 200 that is no session (tenant-api 2.5); `data` is JSON inside a string.
    private mutating func flow(_ status: String, _ data: String, user: ExactText, now: Duration) -> TenantAnswer {
        counters.loginFlows += 1
        let state = mint.idToken(user: user, audience: settings.clientID, now: wholeSeconds(now))
        states[ExactText(state)] = user
        return TenantAnswer(
            200, outcome: "login_flow",
            json: .object([
                JSONMember("status", .text(status)), JSONMember("state_token", .text(state)),
                JSONMember("data", .text(data)),
            ]),
            user: user)
    }

    /// Device headers of the SDK family: OS version, fingerprint and agent are required, the IP is not.
    mutating func refuseDeviceHeaders(_ call: TenantCall) -> TenantAnswer? {
        guard !call.repeatsHeader else {
            return .refusal("SDK.COMMON.1006", "A header is given twice", outcome: "header_repeated")
        }
        for name in ["x-operating-sys-version", "x-device-fingerprint", "x-agent"] where call.header(name) == nil {
            counters.missingDeviceFields += 1
            return Self.deviceIncomplete
        }
        guard let client = call.header("x-client-id") else {
            return .refusal("IDAAS.SDK.PARAM.0002", "The client id is empty", outcome: "client_unknown")
        }
        guard client == ExactText(settings.clientID) else {
            return .refusal("IDAAS.SDK.PARAM.0003", "The client id is unknown", outcome: "client_unknown")
        }
        return nil
    }

    /// Opens a session as a login does. Load tests call it without one.
    package mutating func openSession(user: ExactText, fingerprint: ExactText, now: Duration) -> ExactText {
        let token = mint.sessionToken()
        sessions.open(user: user, fingerprint: fingerprint, token: token, now: now, life: settings.sessionLife)
        return token
    }

    /// The user's latest session, ended or not.
    package func newestSession(of user: ExactText) -> TenantSession? {
        sessions.newest(of: user)
    }

    /// Ends every session of the user; what is presented later is unknown (0023).
    package mutating func endSessions(of user: ExactText) -> Int {
        sessions.end(user)
    }

    /// `expire` as the settings spell it: one member or none.
    var expireMembers: [JSONMember] {
        switch settings.expireField {
        case .number: [JSONMember("expire", .integer(settings.sessionLife))]
        case .string: [JSONMember("expire", .text(String(settings.sessionLife)))]
        case .absent: []
        }
    }

    mutating func idTokenMember(_ user: ExactText, now: Duration) -> JSONMember {
        JSONMember("id_token", .text(mint.idToken(user: user, audience: settings.clientID, now: wholeSeconds(now))))
    }
}
