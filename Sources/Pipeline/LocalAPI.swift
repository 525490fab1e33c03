// The sidecar's own API on the data plane (contract 8).

internal import Guard
internal import JSONText
internal import Model
internal import Sessions
internal import Tenant

/// `/sidecar/v1/…`
struct LocalAPI: Sendable {
    let pipeline: ProxyPipeline

    private var sessions: SessionCoordinator { pipeline.sessions }
    private var clock: any WallClock { pipeline.clock }
    /// The largest body, in bytes.
    private var limit: Int { pipeline.limits.injected }

    /// - Parameter target: of the request.
    func respond(
        to request: LocalRequest, for resource: LocalResource, _ target: RequestTarget, identity: RequestIdentity
    ) async throws(ProxyError) -> LocalAnswer {
        let method = String(decoding: request.head.method, as: UTF8.self)
        switch (resource, method) {
        case (.other, _): throw .notFound
        case (.unknownUser, _): throw .refused(.userInvalid)
        case (.sessionToken(let user), "GET"): return try await read(user, request, target, identity)
        case (.sessionToken(let user), "PUT"): return try await write(user, request)
        case (.refresh(let user), "POST"): return try await refresh(user, request, identity)
        case (.user(let user), "GET"): return try await describe(user)
        case (.user(let user), "DELETE"): return try await forget(user)
        case (.explain, "POST"): return try await explain(request)
        case (.openAPI, "GET"): return LocalAnswer(status: 200, json: Array(OpenAPIDocument.text.utf8), source: .cache)
        default: throw .methodNotAllowed
        }
    }

    // MARK: GET …/session-token

    /// From memory while at least `min_validity` seconds (default 60) remain, else after a refresh.
    private func read(
        _ user: UserKey, _ request: LocalRequest, _ target: RequestTarget, _ identity: RequestIdentity
    ) async throws(ProxyError) -> LocalAnswer {
        let wanted = Duration.seconds(try minimumValidity(target))
        let session: Session?
        do { session = try await sessions.session(.user(user)) } catch { throw .storeUnavailable }
        guard let session else { throw .session(.unknown) }
        if case .dead(let death) = session.state { throw .session(.dead(death)) }
        let remaining = session.remaining(at: clock.now())
        if session.state == .live, remaining >= wanted { return answer(session, request.head, .cache) }
        return try await rotate(user, request, identity)
    }

    // MARK: POST …/session-token/refresh

    /// One refresh, whatever is left of the token; callers at the same time share it.
    private func refresh(_ user: UserKey, _ request: LocalRequest, _ identity: RequestIdentity) async throws(ProxyError)
        -> LocalAnswer
    {
        guard let session = try await current(user) else { throw .session(.unknown) }
        if case .dead(let death) = session.state { throw .session(.dead(death)) }
        return try await rotate(user, request, identity)
    }

    private func rotate(_ user: UserKey, _ request: LocalRequest, _ identity: RequestIdentity) async throws(ProxyError)
        -> LocalAnswer
    {
        let refreshed: RefreshedSession
        do {
            let renewal = try pipeline.unaskedRefresh(
                for: user, like: request.head.fields, peer: request.head.peer, identity: identity)
            refreshed = try await sessions.refresh(for: SessionClaim(user: user, token: nil), renewal: renewal)
        } catch {
            throw (error as? ProxyError) ?? .storeUnavailable
        }
        switch refreshed {
        case .rotated(.renewed(let newer, _), let shared):
            return answer(newer, request.head, shared ? .coalesced : .upstream)
        case .rotated(.moved(let newer), _), .replay(let newer): return answer(newer, request.head, .replay)
        case .refused(.resting(let left)):
            if let stale = try await stale(user, request.head) { return stale }
            throw .session(.resting(left))
        case .refused(let refusal): throw .session(refusal)
        case .rotated(let failure, _):
            if failure.leavesTokenValid, let stale = try await stale(user, request.head) { return stale }
            return try LocalAnswer(failure, source: .upstream, at: clock.now())
        case .pending:
            if let stale = try await stale(user, request.head) { return stale }
            throw .refreshPending
        }
    }

    /// While the tenant fails and the token is good, it is better than nothing (contract 7.7).
    private func stale(_ user: UserKey, _ head: RequestHead) async throws(ProxyError) -> LocalAnswer? {
        guard let session = try await current(user), session.remaining(at: clock.now()) > .zero else { return nil }
        if case .dead = session.state { return nil }
        return answer(session, head, .stale)
    }

    private func current(_ user: UserKey) async throws(ProxyError) -> Session? {
        do { return try await sessions.session(.user(user)) } catch { throw .storeUnavailable }
    }

    private func minimumValidity(_ target: RequestTarget) throws(ProxyError) -> Int {
        guard !target.query.isEmpty else { return 60 }
        let name = Array("min_validity=".utf8)
        guard let pair = target.query.split(separator: UInt8(ascii: "&")).first(where: { $0.starts(with: name) }) else {
            return 60
        }
        guard let seconds = ASCII.decimal(pair.dropFirst(name.count)) else { throw .queryInvalid }
        return seconds
    }

    private func answer(_ session: Session, _ head: RequestHead, _ source: AnswerSource) -> LocalAnswer {
        if wantsText(head) {
            var fields = HeaderFields()
            fields.append(.contentType, "text/plain; charset=utf-8")
            fields.append(.sidecarSource, source.rawValue)
            return LocalAnswer(status: 200, fields: fields, body: .bytes(session.token.bytes))
        }
        let seconds = max(0, session.remaining(at: clock.now()).components.seconds)
        var json: [UInt8] = []
        json.reserveCapacity(session.token.bytes.count + 128)
        json += "{\"session_token\":".utf8
        JSONString.append(session.token.bytes, to: &json)
        json += ",\"expire\":".utf8
        json += String(seconds).utf8
        json += ",\"expires_at\":\"".utf8
        json += session.expiresAt.rfc3339.utf8
        json += "\",\"generation\":".utf8
        json += String(session.generation).utf8
        json.append(UInt8(ascii: "}"))
        return LocalAnswer(status: 200, json: json, source: source)
    }

    private func wantsText(_ head: RequestHead) -> Bool {
        head.fields.lists(in: .accept) { range in
            ASCII.equalIgnoringCase(ASCII.trimmed(range.prefix { $0 != UInt8(ascii: ";") }), "text/plain")
        }
    }

    // MARK: PUT …/session-token

    private func write(_ user: UserKey, _ request: LocalRequest) async throws(ProxyError) -> LocalAnswer {
        let object: JSONObject
        do { object = try JSONObject(try await request.body.collect(upTo: limit)) } catch {
            throw (error as? BodyFault).map { ProxyError($0) } ?? .bodyInvalid
        }
        guard let bytes = object.string("session_token"), let token = SessionToken(bytes) else {
            throw .sessionTokenInvalid
        }
        var life: Duration?
        if let member = object.member("expire"), member.kind != .null {
            guard member.kind == .number, let seconds = ASCII.decimal(object.text[member.value]), seconds > 0 else {
                throw .fieldInvalid("expire must be a whole number of seconds above zero")
            }
            life = min(.seconds(seconds), SessionAnswer.longestLife)
        }
        var fingerprint: DeviceFingerprint?
        if let member = object.member("device_fingerprint"), member.kind != .null {
            guard let sent = object.string("device_fingerprint").flatMap({ DeviceFingerprint($0) }) else {
                throw .fieldInvalid("device_fingerprint must be 1 to 1024 bytes of UTF-8 without control characters")
            }
            fingerprint = sent
        }
        let learned: Session?
        do {
            learned = try await sessions.take(
                RenewedToken(token: token, life: life, fingerprint: fingerprint), for: .user(user), isLogin: true)
        } catch { throw .storeUnavailable }
        guard learned?.token == token else { throw .session(learned == nil ? .mismatch : .superseded) }
        return LocalAnswer(status: 204, fields: HeaderFields(), body: .bytes([]))
    }

    // MARK: /sidecar/v1/users/{user}

    /// What is known of a user's session, without any token.
    private func describe(_ user: UserKey) async throws(ProxyError) -> LocalAnswer {
        guard let session = try await current(user) else { throw .session(.unknown) }
        let (isRefreshing, failure) = sessions.rotation(of: .user(user))
        let state =
            switch session.state {
            case .dead: "dead"
            case _ where isRefreshing: "refreshing"
            case .live: "live"
            case .unknown: "unknown"
            }
        let seconds = max(0, session.remaining(at: clock.now()).components.seconds)
        var json = Array(
            """
            {"state":"\(state)","generation":\(session.generation),"expire":\(seconds),\
            "expires_at":"\(session.expiresAt.rfc3339)","fingerprint_pinned":\(session.fingerprint != nil),\
            "last_refresh":"\(session.rotatedAt.rfc3339)","last_error":
            """.utf8)
        if let failure { JSONString.append(failure.code, to: &json) } else { json += Array("null".utf8) }
        json.append(UInt8(ascii: "}"))
        return LocalAnswer(status: 200, json: json, source: .cache)
    }

    private func forget(_ user: UserKey) async throws(ProxyError) -> LocalAnswer {
        do { try await sessions.forget(.user(user)) } catch { throw .storeUnavailable }
        return LocalAnswer(status: 204, fields: HeaderFields(), body: .bytes([]))
    }

    private func explain(_ request: LocalRequest) async throws(ProxyError) -> LocalAnswer {
        let object: JSONObject
        do { object = try JSONObject(try await request.body.collect(upTo: limit)) } catch {
            throw (error as? BodyFault).map { ProxyError($0) } ?? .bodyInvalid
        }
        let explained = try await pipeline.explain(try Explanation.request(object))
        return LocalAnswer(status: 200, json: explained.json, source: .cache)
    }
}

extension RotationFailure {
    /// The tenant's code, or ours where no answer came.
    fileprivate var code: [UInt8] {
        if let fault { return Array("SIDECAR.\(ProxyError(fault).row.code)".utf8) }
        let object = try? JSONObject(body)
        return object?.string("error_code") ?? object?.string("error") ?? Array("HTTP \(status)".utf8)
    }
}

extension RotationResult {
    /// Whether the failure says nothing against the token that we have.
    fileprivate var leavesTokenValid: Bool {
        switch self {
        case .fault, .failed, .lost, .storeFailed: true
        case .renewed, .moved, .overtaken, .refused, .sessionLost: false
        }
    }
}
