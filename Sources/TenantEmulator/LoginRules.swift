// L1: a login with user name and password, and the flows that it can turn into.

extension TenantRules {
    /// L1. Needs no access token; the application is named by `X-client-id` alone.
    mutating func logIn(_ call: TenantCall, now: Duration) -> TenantAnswer {
        if let refusal = refuseDeviceHeaders(call) ?? refuseBody(call) {
            return refusal
        }
        guard let user = call.field("user_name"), let password = call.field("password"),
            let fingerprint = call.header("x-device-fingerprint")
        else {
            return .refusal("SDK.COMMON.1001", "A parameter is blank", outcome: "body_invalid")
        }
        guard password == ExactText(settings.password) else {
            counters.loginFailures += 1
            return .refusal(
                "SDK.LOGIN.1005", "Wrong user name or password, 4 attempts left", outcome: "login_refused"
            ).about(user)
        }
        if user.begins(with: "mfa") {
            return flow("MFA_AUTH", #"{"mobile":"+86-138****0000"}"#, user: user, now: now)
        }
        if user.begins(with: "expired") {
            return flow("PASSWORD_EXPIRED", #"{"pwd_policy":"min 8"}"#, user: user, now: now)
        }
        counters.logins += 1
        let token = openSession(user: user, fingerprint: fingerprint, now: now)
        return TenantAnswer(
            200, outcome: "login",
            json: .object(
                [JSONMember("session_token", .string(token))] + expireMembers
                    + [JSONMember("status", .text("SUCCESS")), idTokenMember(user, now: now)]),
            user: user, generation: 0)
    }

    /// A 200 that is no session (tenant-api 2.5); `data` is JSON inside a string.
    private mutating func flow(_ status: String, _ data: String, user: ExactText, now: Duration) -> TenantAnswer {
        counters.loginFlows += 1
        let state = mint.idToken(user: user, audience: settings.clientID, now: wholeSeconds(now))
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
