// The control port: how a test looks at the tenant and meddles with it.
import NIOCore

/// Plain HTTP and JSON. Wrong input is 400 with `{"error": "..."}`, never a guess.
struct ControlResponder: Responder {
    let desk: TenantDesk

    func respond(
        to request: ReceivedRequest, on loop: any EventLoop, through outlet: any AnswerOutlet
    ) -> (() -> Void) {
        if let later = answerLater(request, on: loop) {
            later.assumeIsolated().whenSuccess { outlet.deliver(.whole($0), lastByte: {}) }
        } else {
            outlet.deliver(.whole(answer(request)), lastByte: {})
        }
        return {}
    }

    /// The calls that wait for something; nil for all others.
    private func answerLater(_ request: ReceivedRequest, on loop: any EventLoop) -> EventLoopFuture<TenantAnswer>? {
        switch (request.method, request.path) {
        case ("GET", "/faults/parked"): awaitParked(request, on: loop)
        case ("POST", "/faults/release"): release(on: loop)
        case ("DELETE", "/faults"): clearFaults(on: loop)
        default: nil
        }
    }

    private func answer(_ request: ReceivedRequest) -> TenantAnswer {
        switch (request.method, request.path) {
        case ("GET", "/state"): .ok(desk.withState { $0.rules.counters.json })
        case ("GET", "/requests"): requests(request)
        case ("POST", "/sessions"): openSession(request)
        case ("GET", let path) where path.hasPrefix("/sessions/"): session(path)
        case ("DELETE", let path) where path.hasPrefix("/sessions/"): endSessions(path)
        case ("POST", "/access-tokens"): registerAccessToken(request)
        case ("POST", "/access-tokens/expire"): expireAccessTokens()
        case ("POST", "/id-tokens/expire"): change { $0.expireIDTokens() }
        case ("POST", "/envelope-key/replace"): change { $0.replaceEnvelopeKey() }
        case ("PUT", "/settings"): changeSettings(request)
        case ("GET", "/faults"): .ok(.array(desk.withState { $0.faults.armed.map(\.json) }))
        case ("POST", "/faults"): addFault(request)
        default: .wrong("no such control call", status: 404)
        }
    }

    /// `at_least` (default 0: answer at once), `timeout_ms` (default 10,000).
    private func awaitParked(_ request: ReceivedRequest, on loop: any EventLoop) -> EventLoopFuture<TenantAnswer> {
        let query = Self.query(request)
        guard let atLeast = query.number("at_least", default: 0),
            let timeout = query.number("timeout_ms", default: 10_000)
        else { return loop.makeSucceededFuture(.wrong("at_least and timeout_ms are whole numbers")) }
        return desk.parking.wait(atLeast: atLeast, timeout: .milliseconds(Int64(timeout)), on: loop).map { count in
            .ok(.object([JSONMember("parked", .integer(count)), JSONMember("reached", .bool(count >= atLeast))]))
        }
    }

    /// `after`: a request number; without it the latest ones. `limit`: default 1,000. With `Accept: text/plain` as a person
    /// reads them.
    private func requests(_ request: ReceivedRequest) -> TenantAnswer {
        let query = Self.query(request)
        guard let after = query.number("after", default: -1), after < Int.max,
            let limit = query.number("limit", default: 1000)
        else {
            return .wrong("after and limit are whole numbers")
        }
        let records = desk.withState { $0.log.records(after: after < 0 ? nil : after, limit: limit) }
        guard request.values("accept") == ["text/plain"] else { return .ok(.array(records.map(\.json))) }
        return .text(records.map(\.text).joined(separator: "\n"))
    }

    private func session(_ path: String) -> TenantAnswer {
        guard let user = Self.user(path) else { return .wrong("the user is not percent-encoded UTF-8") }
        let now = desk.now
        guard let session = desk.withState({ $0.rules.newestSession(of: user) }) else {
            return .wrong("no session of this user", status: 404)
        }
        let counted = session.presentations.enumerated().filter { $0.element > 0 }
        return .ok(
            .object([
                JSONMember("user", .string(session.user)), JSONMember("generation", .integer(session.generation)),
                JSONMember("session_token", session.tokens.last.map { .string($0) } ?? .null),
                JSONMember("device_fingerprint", .string(session.fingerprint)),
                JSONMember("expires_in", .integer(max(0, wholeSeconds(session.expiresAt - now)))),
                JSONMember("ended", .bool(session.ended)),
                JSONMember(
                    "presentations", .object(counted.map { JSONMember(String($0.offset), .integer($0.element)) })),
                JSONMember("tokens", .array(session.tokens.suffix(1000).map { .string($0) })),
            ]))
    }

    private func openSession(_ request: ReceivedRequest) -> TenantAnswer {
        let json = try? JSONReading.object(request.body)
        guard let user = json?["user"]?.string, let fingerprint = json?["device_fingerprint"]?.string else {
            return .wrong("user and device_fingerprint are strings")
        }
        let now = desk.now
        let (token, life) = desk.withState { state in
            let token = state.rules.openSession(user: ExactText(user), fingerprint: ExactText(fingerprint), now: now)
            return (token, state.rules.settings.sessionLife)
        }
        return .ok(.object([JSONMember("session_token", .string(token)), JSONMember("expire", .integer(life))]))
    }

    private func endSessions(_ path: String) -> TenantAnswer {
        guard let user = Self.user(path) else { return .wrong("the user is not percent-encoded UTF-8") }
        return .ok(.object([JSONMember("ended", .integer(desk.withState { $0.rules.endSessions(of: user) }))]))
    }

    private func registerAccessToken(_ request: ReceivedRequest) -> TenantAnswer {
        let json = try? JSONReading.object(request.body)
        guard let token = json?["token"]?.string, !token.isEmpty, let life = json?["life"]?.int else {
            return .wrong("token is a string, life whole seconds")
        }
        let now = desk.now
        desk.withState { $0.rules.registerAccessToken(ExactText(token), life: life, now: now) }
        return .ok(.object([]))
    }

    private func expireAccessTokens() -> TenantAnswer {
        let now = desk.now
        desk.withState { $0.rules.expireAccessTokens(now: now) }
        return .ok(.object([]))
    }

    private func change(_ change: (inout TenantRules) -> Void) -> TenantAnswer {
        desk.withState { change(&$0.rules) }
        return .ok(.object([]))
    }

    private func addFault(_ request: ReceivedRequest) -> TenantAnswer {
        guard let json = try? JSONReading.object(request.body) else { return .wrong("the body is no JSON object") }
        return desk.withState { state in
            state.faultsEver += 1
            do throws(Fault.Unreadable) {
                state.faults.add(try Fault(id: state.faultsEver, json: json))
                return .ok(.object([JSONMember("id", .integer(state.faultsEver))]))
            } catch {
                return .wrong(error.reason)
            }
        }
    }

    private func release(on loop: any EventLoop) -> EventLoopFuture<TenantAnswer> {
        desk.parking.release(on: loop).map { .ok(.object([JSONMember("released", .integer($0))])) }
    }

    private func clearFaults(on loop: any EventLoop) -> EventLoopFuture<TenantAnswer> {
        desk.withState { $0.faults.clear() }
        return release(on: loop)
    }

    private func changeSettings(_ request: ReceivedRequest) -> TenantAnswer {
        guard let json = try? JSONReading.object(request.body) else { return .wrong("the body is no JSON object") }
        return desk.withState { state in
            do throws(SettingsChange.Unreadable) {
                try SettingsChange(json).apply(to: &state)
                return .ok(.object([]))
            } catch {
                return .wrong("setting \(error.name) is unknown or has the wrong type")
            }
        }
    }

    private static func user(_ path: String) -> ExactText? {
        let bytes = Array(path.utf8.dropFirst("/sessions/".utf8.count))
        // A plus sign stands for itself in a path.
        let escaped = bytes.flatMap { $0 == UInt8(ascii: "+") ? Array("%2B".utf8) : [$0] }
        return FormText.decode(escaped).map { ExactText($0) }
    }

    private static func query(_ request: ReceivedRequest) -> FormText? {
        FormText(Array((request.query ?? "").utf8))
    }
}

extension FormText? {
    /// The number of that name, the default when it is missing, nil when it is no number.
    fileprivate func number(_ name: String, default missing: Int) -> Int? {
        guard let self else { return nil }
        guard let text = self.single(name) else { return self.values(name).isEmpty ? missing : nil }
        return Int(text.text)
    }
}

extension TenantAnswer {
    static func ok(_ json: JSONValue) -> TenantAnswer {
        TenantAnswer(200, outcome: "control", json: json)
    }

    static func text(_ text: String) -> TenantAnswer {
        var answer = TenantAnswer(200, outcome: "control", json: .null)
        answer.headers = [HeaderField("Content-Type", "text/plain; charset=utf-8")]
        answer.body = Array(text.utf8)
        return answer
    }

    static func wrong(_ reason: String, status: Int = 400) -> TenantAnswer {
        TenantAnswer(status, outcome: "control", json: .object([JSONMember("error", .text(reason))]))
    }
}
