// The page that is the product: what happens to one request, top to bottom.

package import Guard
package import Model
internal import NIOConcurrencyHelpers
package import Sessions
package import Tenant

/// Answers local requests. Everything it needs is handed in; it keeps nothing of a request.
package final class ProxyPipeline: Sendable {
    private let guardPolicy: NIOLockedValueBox<AdmissionPolicy>
    let routes: RouteTable
    let sessions: SessionCoordinator
    private let pins: FingerprintPins
    let sender: UpstreamSender
    let limits: BodyLimits
    let clock: any WallClock
    private let tokenEndpoint: TokenEndpoint
    let log: RequestLog

    package init(
        guardPolicy: AdmissionPolicy, routes: RouteTable, sessions: SessionCoordinator, pins: FingerprintPins,
        sender: UpstreamSender, limits: BodyLimits, tokenEndpoint: TokenEndpoint = .refuse, clock: any WallClock,
        log: RequestLog = RequestLog()
    ) {
        (self.guardPolicy, self.routes, self.sessions) = (NIOLockedValueBox(guardPolicy), routes, sessions)
        (self.tokenEndpoint, self.log) = (tokenEndpoint, log)
        (self.pins, self.sender, self.limits, self.clock) = (pins, sender, limits, clock)
    }

    /// Requests that come from now on are judged by this policy.
    package func replaceGuard(_ policy: AdmissionPolicy) { guardPolicy.withLockedValue { $0 = policy } }

    /// Admit, route, take the newest session, inject and forward, learn, answer.
    package func respond(to request: LocalRequest) async -> LocalAnswer {
        var record = RequestRecord(request.head)
        log.began()
        var answer: LocalAnswer
        do throws(ProxyError) {
            let admission = try admit(request.head)
            record.admitted(admission)
            if let resource = LocalResource(admission.target) {
                record.isLocal()
                answer = try await LocalAPI(pipeline: self).respond(
                    to: request, for: resource, admission.target, identity: record.identity)
            } else if isPlaceholder(request.head, admission.target) {
                answer = try await placeholder(request)
            } else {
                let route = try route(request.head, admission.target)
                record.found(route.row, request.head.fields)
                let call = try await ProxiedCall.read(
                    request, admission, route, identity: record.identity, limits: limits)
                switch route.session {
                case .rotates: answer = try await refresh(call)
                case .exchanges: answer = try await exchange(call)
                case .uses where call.passesUnproved: answer = try await pass(call)
                case .uses where call.route.token == .idToken: answer = try await sendWithIDToken(call)
                case .uses: answer = try await sendWithNewest(call)
                case .opens: answer = try await open(call)
                case .none: answer = try await pass(call)
                }
            }
        } catch {
            answer = LocalAnswer(error)
            log.failed(error)
        }
        answer.fields.append(.requestID, record.identity.requestID)
        log.ended(record, answer) { sessions.logName(of: $0) }
        return answer
    }

    /// The answer to a request that is refused before it is one: it breaks HTTP, comes too slowly, or is one too many.
    package func refuse(_ error: ProxyError) -> LocalAnswer {
        let answer = LocalAnswer(error)
        log.began()
        log.failed(error)
        log.ended(RequestRecord(), answer) { _ in "" }
        return answer
    }

    func admit(_ head: RequestHead) throws(ProxyError) -> Admission {
        do throws(GuardRefusal) {
            return try guardPolicy.withLockedValue { policy in
                Result { () throws(GuardRefusal) in try policy.admit(head) }
            }.get()
        } catch { throw .refused(error) }
    }

    /// Whether the app asks for an access token and gets a worthless one (`SIDECAR_TOKEN_ENDPOINT=placeholder`).
    func isPlaceholder(_ head: RequestHead, _ target: RequestTarget) -> Bool {
        tokenEndpoint == .placeholder && head.method.elementsEqual("POST".utf8)
            && routes.match(method: head.method, path: target.routedPath) == .tokenEndpoint
    }

    /// What the app sent to get it is worth nothing here, and is not looked at.
    private func placeholder(_ request: LocalRequest) async throws(ProxyError) -> LocalAnswer {
        do { _ = try await request.body.collect(upTo: limits.injected) } catch { throw ProxyError(error) }
        return LocalAnswer(status: 200, json: TokenEndpoint.placeholderAnswer, source: .cache)
    }

    func route(_ head: RequestHead, _ target: RequestTarget) throws(ProxyError) -> Route {
        guard case .route(let route) = routes.match(method: head.method, path: target.routedPath) else {
            throw .pathNotAllowed
        }
        return route
    }

    // MARK: one way for each kind of route

    /// T2: shared by everybody who asks for this session.
    private func refresh(_ call: ProxiedCall) async throws(ProxyError) -> LocalAnswer {
        try await checkFingerprint(call)
        return try await rotate(call, .refresh)
    }

    /// S1: may rotate as well, so it is one presentation like a refresh; its id_token is for its own caller.
    private func exchange(_ call: ProxiedCall) async throws(ProxyError) -> LocalAnswer {
        try await checkFingerprint(call)
        switch try await newest(call) {
        case .session, .foreign: return try await rotate(call, .exchange)
        case .answer(let answer): return answer
        }
    }

    private func rotate(_ call: ProxiedCall, _ purpose: SessionPurpose) async throws(ProxyError) -> LocalAnswer {
        let refreshed: RefreshedSession
        do { refreshed = try await sessions.refresh(for: call.claim, as: purpose, renewal: renewal(call)) } catch {
            throw .storeUnavailable
        }
        return try LocalAnswer(refreshed, at: clock.now())
    }

    /// Refuses a fingerprint that differs from the session's where the operator wants that.
    private func checkFingerprint(_ call: ProxiedCall) async throws(ProxyError) {
        guard pins.mayRefuse(call.fingerprint) else { return }
        let session: Session?
        do { session = try await sessions.session(of: call.claim) } catch { throw .storeUnavailable }
        do { try pins.check(call.fingerprint, against: session?.fingerprint) } catch { throw .fingerprintMismatch }
    }

    /// T3: goes out with the newest token whatever the app presented.
    private func sendWithNewest(_ call: ProxiedCall) async throws(ProxyError) -> LocalAnswer {
        switch try await newest(call) {
        case .session(let session): return try await send(call, with: session, mayRetry: call.maySendAgain)
        case .foreign(let token, let key): return try await send(call, withForeign: token, key)
        case .answer(let answer): return answer
        }
    }

    /// What a call goes out with, or the answer that ends it before anything is sent.
    private enum Newest {
        case session(Session)
        case foreign(SessionToken, SessionKey)
        case answer(LocalAnswer)
    }

    /// The newest session of a call, rotated first if its token is about to end.
    private func newest(_ call: ProxiedCall) async throws(ProxyError) -> Newest {
        let newest: NewestSession
        do {
            newest = try await sessions.newest(for: call.claim, renewal: RefreshAhead(pipeline: self, call: call))
        } catch { throw .storeUnavailable }
        switch newest {
        case .session(let session): return .session(session)
        case .foreign(let token, let key): return .foreign(token, key)
        case .refused(let refusal): return .answer(try LocalAnswer(refusal))
        case .pending: throw .refreshPending
        case .failed(let result): return .answer(try LocalAnswer(result, source: .upstream, at: clock.now()))
        }
    }

    private func send(_ call: ProxiedCall, with session: Session, mayRetry: Bool) async throws(ProxyError)
        -> LocalAnswer
    {
        let fingerprint = try fingerprint(call, pinned: session.fingerprint, key: session.key)
        if session.fingerprint == nil, let fingerprint { await sessions.pin(fingerprint, to: session) }
        let answer = try await sent(call, token: session.token, fingerprint)
        guard case .error(let response, .deadSession) = answer else { return LocalAnswer(passingOn: answer) }
        // Only a refusal of the newest generation says anything about the session (contract 7.5).
        let newer = await sessions.refused(session, response)
        if let newer, mayRetry { return try await send(call, with: newer, mayRetry: false) }
        return LocalAnswer(passingOn: answer)
    }

    /// S5–S10: goes out with the user's id_token, which is bought first if there is none.
    private func sendWithIDToken(_ call: ProxiedCall) async throws(ProxyError) -> LocalAnswer {
        guard let user = call.user else { return try await pass(call) }
        let exchange = try unaskedExchange(call)
        var mayRetry = call.maySendAgain
        while true {
            let access: IDTokenAccess
            do { access = try await sessions.idToken(for: user, renewal: exchange) } catch { throw .storeUnavailable }
            switch access {
            case .refused(let refusal): return try LocalAnswer(refusal)
            case .pending: throw .refreshPending
            case .failed(let result): return try LocalAnswer(result, source: .upstream, at: clock.now())
            case .missing: throw .idTokenMissing
            case .token(let token, let session):
                let fingerprint = try fingerprint(call, pinned: session.fingerprint, key: session.key)
                let answer = try await sent(call, token: nil, idToken: token, fingerprint)
                guard case .error(_, let refusal) = answer, refusal == .idToken || refusal == .accessToken else {
                    return LocalAnswer(passingOn: answer)
                }
                sessions.refused(token, of: user)
                guard mayRetry else { return LocalAnswer(passingOn: answer) }
                mayRetry = false
            }
        }
    }

    /// A token from a login made elsewhere becomes the session's when the tenant takes it.
    private func send(_ call: ProxiedCall, withForeign token: SessionToken, _ key: SessionKey) async throws(ProxyError)
        -> LocalAnswer
    {
        let fingerprint = try fingerprint(call, pinned: nil, key: key)
        let answer = try await sent(call, token: token, fingerprint)
        if case .streaming(let response) = answer, response.status == 200 {
            await sessions.learn(
                RenewedToken(token: token, life: nil, fingerprint: fingerprint), for: key, isLogin: true)
        }
        return LocalAnswer(passingOn: answer)
    }

    /// L1–L15: a 200 that holds a session token makes it the user's before the app sees it.
    private func open(_ call: ProxiedCall) async throws(ProxyError) -> LocalAnswer {
        let key = call.user.map { SessionKey.user($0) }
        let fingerprint = try fingerprint(call, pinned: nil, key: key)
        let answer = try await sent(call, token: nil, fingerprint)
        guard case .streaming(let response) = answer, response.status == 200 else {
            return LocalAnswer(passingOn: answer)
        }
        let body: [UInt8]
        do { body = try await response.body.collect(upTo: limits.injected) } catch { throw .upstream(.broken) }
        if let session = SessionAnswer(body: body) {
            await sessions.learn(
                RenewedToken(
                    token: session.token, life: session.life, fingerprint: fingerprint, idToken: session.idToken),
                for: key ?? sessions.anonymousKey(for: session.token), isLogin: true)
        }
        return LocalAnswer(
            passingOn: WholeResponse(status: response.status, fields: response.fields, body: body), source: .upstream)
    }

    /// Everything else under the tenant's prefixes.
    private func pass(_ call: ProxiedCall) async throws(ProxyError) -> LocalAnswer {
        guard call.route.devices != .none else { return LocalAnswer(passingOn: try await sent(call, token: nil, nil)) }
        let key = call.user.map { SessionKey.user($0) }
        var pinned: DeviceFingerprint?
        if let key {
            do { pinned = try await sessions.session(key)?.fingerprint } catch { throw .storeUnavailable }
        }
        let fingerprint = try fingerprint(call, pinned: pinned, key: key)
        return LocalAnswer(passingOn: try await sent(call, token: nil, fingerprint))
    }

    // MARK: small steps

    private func sent(
        _ call: ProxiedCall, token: SessionToken?, idToken: IDToken? = nil, _ fingerprint: DeviceFingerprint?
    ) async throws(ProxyError) -> SentAnswer {
        do { return try await sender.send(call, token: token, idToken: idToken, fingerprint: fingerprint) } catch {
            if case .untouched(.stream(let body, _)) = call.body, (body as? CappedBody)?.isOverLimit == true {
                throw .bodyTooLarge
            }
            throw error.proxyError
        }
    }

    func fingerprint(_ call: ProxiedCall, pinned: DeviceFingerprint?, key: SessionKey?) throws(ProxyError)
        -> DeviceFingerprint?
    {
        do { try pins.check(call.fingerprint, against: pinned) } catch { throw .fingerprintMismatch }
        log.noteOverride(of: call.fingerprint, by: pinned)
        return pins.choose(pinned: pinned, sent: call.fingerprint, user: key)
    }

    func renewal(_ call: ProxiedCall) -> TenantRenewal {
        TenantRenewal(call: call, sender: sender, pins: pins, log: log, limit: limits.injected)
    }
}

extension LocalAnswer {
    init(passingOn answer: SentAnswer) {
        switch answer {
        case .streaming(let response): self.init(passingOn: response, source: .upstream)
        case .error(let response, _): self.init(passingOn: response, source: .upstream)
        }
    }
}
