// The rules of the tenant as a value: what arrives, what is remembered, what is answered.

/// A pure state machine. Time comes in as a parameter (`now`: time since 1970), randomness from a seed.
///
/// Per request: `arrived`, then `process` (none, if a fault takes its place), then `answered`.
package struct TenantRules: Sendable {
    package var settings: TenantSettings
    package var counters = TenantCounters()
    var mint: TokenMint
    var accessTokens = AccessTokenBook()
    var sessions = SessionBook()
    var tickets = TicketBook()
    /// Of flows that have not ended (tenant-api 2.5), each good for one more call.
    var states: [ExactText: ExactText] = [:]
    /// Of all envelopes that were opened.
    var nonces: Set<ExactText> = []
    package let envelopes: EnvelopeOpener
    /// Session tokens presented by T2 or S1 whose answer has not left, by request number.
    private var inTheAir: [Int: ExactText] = [:]
    private var airborne: [ExactText: Int] = [:]

    package init(settings: TenantSettings, seed: UInt64) {
        self.settings = settings
        self.mint = TokenMint(seed: seed)
        self.envelopes = EnvelopeOpener(bits: settings.envelopeKeyBits)
    }

    /// The last byte of a request is here.
    /// - Parameter number: of the request; not used by another one before.
    package mutating func arrived(_ call: TenantCall, number: Int) {
        counters.requests += 1
        if leaksAccessToken(call.request) {
            counters.accessTokenLeaks += 1
        }
        guard call.route.rotates, let token = call.sessionToken else { return }
        inTheAir[number] = token
        if airborne[token, default: 0] > 0 {
            counters.concurrentPresentations += 1
        }
        airborne[token, default: 0] += 1
        if let place = sessions.place(token) {
            sessions.presented(place)
        }
    }

    /// The last byte of the answer is about to be sent, or the caller has gone. Saying so twice does no harm.
    package mutating func answered(number: Int) {
        guard let token = inTheAir.removeValue(forKey: number), let others = airborne[token] else { return }
        airborne[token] = others > 1 ? others - 1 : nil
    }

    /// Whose request this is, as far as its token, ticket or user name tells.
    package func user(of call: TenantCall) -> ExactText? {
        switch call.route {
        case .login(let row): loginUser(row, call)
        case .verifyTicket: call.field("sso_ticket").flatMap { tickets.place($0, now: .zero) }.map(userOf)
        default: call.sessionToken.flatMap { sessions.place($0) }.map(userOf)
        }
    }

    private func userOf(_ place: TokenPlace) -> ExactText {
        sessions.session(place).user
    }

    package mutating func process(_ call: TenantCall, now: Duration) -> TenantAnswer {
        switch call.route {
        case .token: fetchToken(call, now: now)
        case .refresh, .ssoTicket, .verifyTicket: tenantSession(call, now: now)
        case .login(let row): logIn(row, call, now: now)
        case .userCall(let row): userCall(row, call, now: now)
        case .publicKey: publicKey(call)
        case .serverDate: serverDate(call, now: now)
        case .idToken: exchangeForIDToken(call, now: now)
        case .tenantEcho: refuseBearer(call, now: now) ?? echo(call)
        case .sdkEcho: echo(call)
        case .wrongMethod: .refusal("SDK.COMMON.0405", "Method not allowed", outcome: "wrong_method", status: 405)
        case .unknown: .refusal("SDK.COMMON.0404", "Not found", outcome: "not_found", status: 404)
        }
    }

    /// T2, T3, T4: bearer, then the form of the body, then device fields, and only then the rule itself.
    private mutating func tenantSession(_ call: TenantCall, now: Duration) -> TenantAnswer {
        if let refusal = refuseBearer(call, now: now) {
            return refusal
        }
        if let refusal = refuseBody(call) {
            return refusal
        }
        for name in ["operating_sys_version", "device_ip", "device_fingerprint"] where call.field(name) == nil {
            counters.missingDeviceFields += 1
            return Self.deviceIncomplete
        }
        switch call.route {
        case .refresh: return refresh(call, now: now)
        case .ssoTicket: return exchangeForTicket(call, now: now)
        default: return verifyTicket(call, now: now)
        }
    }

    static let deviceIncomplete = TenantAnswer.refusal(
        "IDAAS.SDK.PARAM.0001", "Device information is incomplete", outcome: "device_missing")

    /// A JSON object, said to be one, with no member twice.
    func refuseBody(_ call: TenantCall) -> TenantAnswer? {
        guard call.request.hasContentType("application/json") else {
            return .refusal("SDK.COMMON.1007", "Content-Type is not application/json", outcome: "body_invalid")
        }
        guard call.json != nil else {
            return .refusal("SDK.COMMON.1006", "The body is not a JSON object", outcome: "body_invalid")
        }
        return nil
    }

    private func echo(_ call: TenantCall) -> TenantAnswer {
        let request = call.request
        let target = request.path + (request.query.map { "?" + $0 } ?? "")
        return TenantAnswer(
            200, outcome: "echo",
            json: .object([
                JSONMember("method", .text(request.method)), JSONMember("path", .text(target)),
                JSONMember("protocol", .text(request.protocolName)),
                JSONMember("headers", .array(request.headers.map { .array([.text($0.name), .text($0.value)]) })),
                JSONMember("body_base64", .text(Base64Text.encode(request.body))),
                JSONMember("body_text", .text(request.bodyText)),
            ]))
    }
}
