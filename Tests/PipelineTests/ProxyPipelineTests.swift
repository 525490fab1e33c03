// One request, top to bottom, over a scripted tenant.

import AccessTokens
import CryptoExtras
import Guard
import JSONText
import Model
import Pipeline
import Sessions
import Tenant
import TestSupport
import Testing

struct ProxyPipelineTests {
    /// Refreshes T(n) to T(n+1), gives out tickets, logs in with T0.
    static let tenant: ScriptedTransport.Script = { (request, number) throws(TransportError) in
        let object = try? JSONObject(request.body)
        let presented = text(object?.string("session_token") ?? [])
        switch request.target {
        case PipelineScene.refreshPath:
            return .json(#"{"session_token":"T\#((Int(presented.dropFirst()) ?? 0) + 1)","expire":43200}"#)
        case PipelineScene.ticketPath: return .json(#"{"sso_ticket":"ticket of \#(presented)"}"#)
        case PipelineScene.loginPath:
            return .json(#"{"session_token":"T\#(number - 1)","expire":60000,"status":"SUCCESS"}"#)
        default: return .json(#"{"path":"\#(request.target)"}"#)
        }
    }

    private func sentToken(_ request: SentRequest) -> String? {
        (try? JSONObject(request.body))?.string("session_token").map { text($0) }
    }

    @Test func loginRefreshRefreshTicket() async throws {
        let scene = try PipelineScene(Self.tenant)
        #expect(await scene.call(PipelineScene.loginPath).status == 200)
        let first = await scene.call(PipelineScene.refreshPath, #"{"session_token":"T0"}"#)
        #expect(first.body == #"{"session_token":"T1","expire":43200}"# && first.source == "upstream")
        let second = await scene.call(PipelineScene.refreshPath, "")
        #expect(second.body == #"{"session_token":"T2","expire":43200}"#)
        // The app still holds T1 and gets what T2 buys.
        let ticket = await scene.call(PipelineScene.ticketPath, #"{"session_token":"T1"}"#)
        #expect(ticket.body == #"{"sso_ticket":"ticket of T2"}"#)
        #expect(scene.transport.requests.map { sentToken($0) } == [nil, "T0", "T1", "T2"])
        let stored = try #require(try await scene.store.load(.sample("alice")))
        #expect(stored.session.token == (try .sample("T2")) && stored.session.generation == 3)
    }

    @Test func whatARefreshCarries() async throws {
        let scene = try PipelineScene(Self.tenant)
        _ = await scene.call(
            PipelineScene.refreshPath, #"{"session_token":"T0","n":1.0}"#,
            fields: [
                "User-Agent": "app/1", "X-Real-IP": "203.0.113.5", "Authorization": "Bearer app", "X-Request-Id": "r-1",
            ])
        let request = try #require(scene.transport.requests.first)
        #expect(request.value(.authorization) == "Bearer ACCESS" && request.value(.contentType) == "application/json")
        #expect(
            request.value(.requestID) == "r-1" && request.fields.first(.sidecarUser) == nil
                && request.fields.first(.host) == nil)
        let fingerprint = try #require(try JSONObject(request.body).string("device_fingerprint"))
        #expect(
            text(request.body)
                == #"{"session_token":"T0","n":1.0,"operating_sys_version":"OS","device_ip":"203.0.113.5","agent":"app/1","device_fingerprint":"\#(text(fingerprint))"}"#
        )
    }

    @Test func theFingerprintOfTheLoginStays() async throws {
        let scene = try PipelineScene(Self.tenant)
        _ = await scene.call(PipelineScene.loginPath, fields: ["X-device-fingerprint": "phone"])
        _ = await scene.call(PipelineScene.refreshPath, #"{"device_fingerprint":"other"}"#)
        _ = await scene.call(PipelineScene.ticketPath, "{}")
        let seen = try scene.transport.requests.dropFirst().map {
            text(try JSONObject($0.body).string("device_fingerprint") ?? [])
        }
        #expect(seen == ["phone", "phone"])
        _ = await scene.call(PipelineScene.loginPath, fields: ["X-device-fingerprint": "tablet"])
        _ = await scene.call(PipelineScene.ticketPath, "{}")
        #expect(
            text(try JSONObject(scene.transport.requests.last?.body ?? []).string("device_fingerprint") ?? [])
                == "tablet")
    }

    @Test func anotherFingerprintCanBeRefused() async throws {
        let scene = try PipelineScene(with: .changed { $0.mismatch = .reject }, Self.tenant)
        _ = await scene.call(PipelineScene.loginPath, fields: ["X-device-fingerprint": "phone"])
        #expect(
            await scene.call(PipelineScene.ticketPath, #"{"device_fingerprint":"other"}"#).outcome
                == "409 FINGERPRINT_MISMATCH")
        #expect(
            await scene.call(PipelineScene.refreshPath, #"{"device_fingerprint":"other"}"#).outcome
                == "409 FINGERPRINT_MISMATCH")
        #expect(scene.transport.requests.count == 1)
        #expect(await scene.call(PipelineScene.ticketPath, #"{"device_fingerprint":"phone"}"#).status == 200)
    }

    @Test func aSupersededTokenIsReplayedThenRefused() async throws {
        let scene = try PipelineScene(Self.tenant)
        _ = await scene.call(PipelineScene.refreshPath, #"{"session_token":"T0"}"#)
        scene.clock.advance(by: .seconds(100))
        let replay = await scene.call(PipelineScene.refreshPath, #"{"session_token":"T0"}"#)
        #expect(replay.body == #"{"session_token":"T1","expire":43100}"# && replay.source == "replay")
        scene.clock.advance(by: .seconds(500))
        #expect(
            await scene.call(PipelineScene.refreshPath, #"{"session_token":"T0"}"#).outcome == "409 TOKEN_SUPERSEDED")
        #expect(scene.transport.requests.count == 1)
    }

    /// S1 takes the newest token in its header, may rotate, and its answer is its own caller's.
    @Test func anExchangeForAnIDTokenIsARotation() async throws {
        let path = "/api/v2/sdk/sso/session-token/id-token"
        let scene = try PipelineScene { (request, number) throws(TransportError) in
            guard request.target == path else { return try await Self.tenant(request, number) }
            let presented = request.value("session-token") ?? "T?"
            let next = "T\((Int(presented.dropFirst()) ?? 0) + 1)"
            return .json(#"{"session_token":"\#(next)","expire":604800,"id_token":"id of \#(presented)"}"#)
        }
        _ = await scene.call(PipelineScene.loginPath, fields: ["X-device-fingerprint": "phone"])
        let first = await scene.call(path, "", fields: ["X-device-fingerprint": "other"])
        #expect(first.body == #"{"session_token":"T1","expire":604800,"id_token":"id of T0"}"#)
        // The app still holds T0: what goes out is the newest, and what comes back is kept.
        let second = await scene.call(path, "", user: nil, fields: ["session-token": "T0"])
        #expect(second.body.contains("id of T1"))
        #expect(await scene.call(PipelineScene.refreshPath, "{}").body == #"{"session_token":"T3","expire":43200}"#)
        let sent = scene.transport.requests[1]
        #expect(sent.value("X-device-fingerprint") == "phone" && sent.value(.authorization) == nil)
        #expect(try await scene.store.load(.sample("alice"))?.session.generation == 4)
        #expect(await scene.call(path, "", user: "bob").outcome == "404 SESSION_UNKNOWN")
    }

    @Test func aTokenWithoutAUser() async throws {
        let scene = try PipelineScene(Self.tenant)
        #expect(await scene.call(PipelineScene.refreshPath, #"{"session_token":"T0"}"#, user: nil).status == 200)
        #expect(
            await scene.call(PipelineScene.ticketPath, #"{"session_token":"T0"}"#, user: nil).body
                == #"{"sso_ticket":"ticket of T1"}"#)
        #expect(await scene.call(PipelineScene.ticketPath, "{}", user: nil).outcome == "404 SESSION_UNKNOWN")
        #expect(await scene.call(PipelineScene.refreshPath, "{}", user: "bob").outcome == "404 SESSION_UNKNOWN")
    }

    @Test func anotherUsersTokenIsRefused() async throws {
        let scene = try PipelineScene(Self.tenant)
        _ = await scene.call(PipelineScene.refreshPath, #"{"session_token":"T0"}"#)
        #expect(
            await scene.call(PipelineScene.refreshPath, #"{"session_token":"T1"}"#, user: "bob").outcome
                == "409 TOKEN_MISMATCH")
        #expect(
            await scene.call(PipelineScene.ticketPath, #"{"session_token":"T0"}"#, user: "bob").outcome
                == "409 TOKEN_MISMATCH")
        #expect(scene.transport.requests.count == 1)
    }

    @Test(arguments: [
        #"{"session_token":1}"#, #"{"session_token":"a b"}"#, #"{"session_token":["T"]}"#,
        #"{"session_token":"a\r\nb"}"#,
    ])
    func tokensThatAreNone(_ body: String) async throws {
        let scene = try PipelineScene(Self.tenant)
        for path in [PipelineScene.refreshPath, PipelineScene.ticketPath] {
            #expect(await scene.call(path, body).outcome == "400 SESSION_TOKEN_INVALID")
        }
        #expect(scene.transport.requests.isEmpty)
    }

    @Test(arguments: ["[]", "{", #"{"a":1,"a":2}"#, "x"])
    func bodiesThatAreNone(_ body: String) async throws {
        let scene = try PipelineScene(Self.tenant)
        for path in [PipelineScene.refreshPath, PipelineScene.ticketPath, PipelineScene.verifyPath] {
            #expect(await scene.call(path, body).outcome == "400 BODY_INVALID")
        }
        #expect(scene.transport.requests.isEmpty)
    }

    @Test func otherRoutes() async throws {
        let scene = try PipelineScene(Self.tenant)
        let other = await scene.call(
            "/api/v2/tenant/users?x=1", "", method: "GET", fields: ["Authorization": "Bearer app"])
        #expect(other.body == #"{"path":"/api/v2/tenant/users?x=1"}"#)
        let sdk = await scene.call(
            "/api/v2/sdk/profile/update", "raw, not JSON", fields: ["Authorization": "Bearer id-token"])
        #expect(sdk.status == 200)
        _ = await scene.call("/pass/x", "raw", fields: ["Authorization": "Basic own"])
        #expect(
            scene.transport.requests.map { $0.value(.authorization) } == [
                "Bearer ACCESS", "Bearer id-token", "Basic own",
            ])
        #expect(scene.transport.requests.map { text($0.body) } == ["", "raw, not JSON", "raw"])
        #expect(scene.transport.requests.map { $0.value("X-client-id") } == [nil, "public-id", nil])
        #expect(await scene.call("/api/v2/tenant/token", "x").outcome == "403 PATH_NOT_ALLOWED")
        #expect(await scene.call("/elsewhere", "x").outcome == "403 PATH_NOT_ALLOWED")
        #expect(await scene.call("/sidecar/v2/x", "x").outcome == "404 NOT_FOUND")
        #expect(scene.transport.requests.count == 3)
    }

    @Test func loginsThatAreNoSession() async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            .json(#"{"status":"MFA_AUTH","state_token":"s","data":"{\"session_token\":\"T9\"}"}"#)
        }
        #expect(await scene.call(PipelineScene.loginPath).body.hasPrefix(#"{"status":"MFA_AUTH""#))
        #expect(try await scene.store.load(.sample("alice")) == nil)
    }

    /// The background refreshes what comes near its end, and rests after a failure instead of storming.
    @Test func sessionsAreKeptFresh() async throws {
        let refreshed = Gate()
        let scene = try PipelineScene { (request, number) throws(TransportError) in
            refreshed.signal()
            if number == 1 { return .json("{}", status: 403) }
            return try await Self.tenant(request, number)
        }
        _ = try await scene.sessions.learn(
            RenewedToken(token: .sample("T0"), life: .seconds(1000), fingerprint: nil), for: .sample("alice"),
            isLogin: true)
        scene.clock.advance(by: .seconds(810))
        #expect(await scene.call("/sidecar/v1/users/alice/session-token", "", method: "GET").status == 200)
        let before = scene.clock.now()
        let running = Task { await scene.pipeline.keepFresh(idle: .seconds(100_000)) }
        await refreshed.wait(for: 2)
        running.cancel()
        await running.value
        // The rotation goes on without whoever asked for it.
        #expect(await scene.sessions.drain(within: .zero) == 0)
        #expect(scene.clock.now() - before >= .seconds(60))
        #expect(scene.transport.requests.allSatisfy { $0.target == PipelineScene.refreshPath })
        #expect(try await scene.store.load(.sample("alice"))?.session.token == .sample("T1"))
    }

    // MARK: the access token is refused

    private func renewing(_ fetches: Gate) -> ClientCredentialsGrant? {
        let issuer = ScriptedTransport { (_, number) throws(TransportError) in
            fetches.signal()
            return .json(#"{"access_token":"A\#(number)","expires_in":1800}"#)
        }
        guard let id = SecretText(bytes("id")), let secret = SecretText(bytes("secret")) else { return nil }
        return ClientCredentialsGrant(
            transport: issuer, clientID: id, clientSecret: secret, authentication: .form, timeout: .seconds(5))
    }

    /// 401, and the 400 that the tenant documents; on a rotation, a ticket and another path.
    @Test(
        arguments: [401, 400],
        [PipelineScene.refreshPath, PipelineScene.ticketPath, PipelineScene.verifyPath, "/api/v2/tenant/users"])
    func aRefusedBearerIsRenewedOnceAndTheCallReplayedOnce(_ status: Int, _ path: String) async throws {
        let fetches = Gate()
        let scene = try PipelineScene(with: .changed { $0.accessTokens = renewing(fetches) }) {
            (request, number) throws(TransportError) in
            if request.value(.authorization) == "Bearer A1" {
                return .json(
                    #"{"error":"invalid_token","error_description":"Access token expired:A1"}"#, status: status)
            }
            return try await Self.tenant(request, number)
        }
        _ = try await scene.sessions.learn(
            RenewedToken(token: .sample("T0"), life: nil, fingerprint: .sample("FP")), for: .sample("alice"),
            isLogin: true)
        #expect(await scene.call(path, "{}").status == 200)
        #expect(scene.transport.requests.map { $0.value(.authorization) } == ["Bearer A1", "Bearer A2"])
        #expect(scene.transport.requests[0].body == scene.transport.requests[1].body)
        #expect(fetches.count == 2)
    }

    @Test func aBearerThatStaysRefusedIsPassedOnWithoutOurToken() async throws {
        let fetches = Gate()
        let scene = try PipelineScene(with: .changed { $0.accessTokens = renewing(fetches) }) {
            (request, number) throws(TransportError) in
            .json(
                #"{"error":"invalid_token","error_description":"Invalid access token: \#(request.value(.authorization)?.dropFirst(7) ?? "")"}"#,
                status: 400)
        }
        let refused = await scene.call(PipelineScene.verifyPath, "{}")
        #expect(refused.status == 400)
        #expect(refused.body == #"{"error":"invalid_token","error_description":"Invalid access token: **"}"#)
        #expect(scene.transport.requests.count == 2 && fetches.count == 2)
    }

    /// A logout that meets a refresh on its way is not sent again, though a newer token is there by then.
    @Test(arguments: [("/api/v2/sdk/logout", 1), ("/api/v2/sdk/social", 2)])
    func aLogoutIsSentOnceWhateverHappens(_ path: String, _ sent: Int) async throws {
        let (arrived, go) = (Gate(), Gate())
        let key = try Self.publicKey()
        let scene = try PipelineScene(with: .changed { $0.profile = .oneAccess }) {
            (request, _) throws(TransportError) in
            switch request.target {
            case "/api/v2/sdk/public-key": return .json(key)
            case "/api/v2/sdk/server-date": return .json(#"{"timestamp":"1800000000000"}"#)
            case path:
                arrived.signal()
                await go.wait()
                return .json(#"{"error_code":"PARAM.0023"}"#, status: 400)
            default: return .json(#"{"session_token":"T1","expire":60000}"#)
            }
        }
        _ = await scene.call(
            "/sidecar/v1/users/alice/session-token", #"{"session_token":"T0"}"#, method: "PUT", user: nil)
        async let called = scene.call(path, "", method: "GET")
        await arrived.wait()
        #expect(await scene.call(PipelineScene.refreshPath).status == 200)
        go.signal()
        #expect(await called.status == 400)
        #expect(scene.transport.requests.filter { $0.target == path }.count == sent)
    }

    private static func publicKey() throws -> String {
        let pem = try _RSA.Encryption.PrivateKey(keySize: .bits2048).publicKey.pemRepresentation
        return #"{"public_key":"\#(pem.replacing("\n", with: "\\n"))"}"#
    }

    /// A tenant that drips its answer does not hold a rotation beyond its own time.
    @Test func anAnswerThatDripsEndsWithTheAttempt() async throws {
        for limit in RotationPolicy.growingLimits {
            let scene = try PipelineScene(
                with: .changed {
                    $0.rotation.attemptLimit = limit
                    $0.rotation.lostAnswer = .retire
                }
            ) { (_, _) throws(TransportError) in
                UpstreamResponse(status: 200, fields: HeaderFields(), body: DrippingBody())
            }
            _ = await scene.call(
                "/sidecar/v1/users/alice/session-token", #"{"session_token":"T0"}"#, method: "PUT", user: nil)
            let outcome = await scene.call(PipelineScene.refreshPath).outcome
            guard !scene.transport.requests.isEmpty else { continue }
            #expect(outcome == "502 SESSION_LOST")
            return
        }
        Issue.record("the limit was over before anything was presented")
    }

    /// A chunked body has no length to be refused by; it is refused once it is too long.
    @Test func aStreamWithoutALengthHasALimit() async throws {
        let scene = try PipelineScene(with: .changed { $0.limits = BodyLimits(injected: 10, streamed: 10) }) {
            (_, _) throws(TransportError) in .json("{}")
        }
        var fields = HeaderFields(["Host": "127.0.0.1"])
        fields.append("X-Sidecar-User", "alice")
        for (pieces, status) in [(["12345", "67890"], 200), (["12345", "67890", "1"], 413)] {
            let request = LocalRequest(
                head: RequestHead(method: bytes("POST"), target: bytes("/pass/x"), fields: fields, peer: nil),
                body: FixedBody(pieces.map { bytes($0) }), contentLength: nil)
            #expect(await scene.pipeline.respond(to: request).status == status)
        }
    }

    /// What the sidecar has to read comes in plain text; an error that does not is not passed on with our token in it.
    @Test func compressedAnswers() async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            .json("not readable ACCESS", status: 400, fields: ["Content-Encoding": "gzip"])
        }
        let answer = await scene.call("/api/v2/tenant/users", "{}", fields: ["Accept-Encoding": "gzip, br"])
        #expect(answer.status == 400 && answer.body.isEmpty)
        #expect(scene.transport.requests.first?.fields.values(.acceptEncoding).map { text($0) } == ["identity"])
        _ = await scene.call("/pass/x", "{}", fields: ["Accept-Encoding": "gzip, br"])
        #expect(scene.transport.requests.last?.value(.acceptEncoding) == "gzip, br")
    }

    @Test func aRefusedIDTokenRenewsNothing() async throws {
        let fetches = Gate()
        let scene = try PipelineScene(with: .changed { $0.accessTokens = renewing(fetches) }) {
            (_, _) throws(TransportError) in
            .json(#"{"error":"invalid_token"}"#, status: 401)
        }
        let own: KeyValuePairs = ["Authorization": "Bearer own"]
        #expect(await scene.call("/api/v2/sdk/profile/update", "{}", fields: own).status == 401)
        #expect(scene.transport.requests.count == 1 && fetches.count == 0)
    }

    @Test func withoutAnAccessTokenNothingIsSent() async throws {
        let down = ScriptedTransport { (_, _) throws(TransportError) in
            throw TransportError(.unreachable, maybeSent: false)
        }
        let scene = try PipelineScene(
            with: .changed {
                $0.accessTokens = ClientCredentialsGrant(
                    transport: down, clientID: try .sample("id"), clientSecret: try .sample("s"), authentication: .form,
                    timeout: .seconds(5))
            }, Self.tenant)
        let refused = await scene.call(PipelineScene.verifyPath, "{}")
        #expect(refused.outcome == "503 NO_ACCESS_TOKEN" && refused.fields.first(.retryAfter).map { text($0) } == "1")
        #expect(
            await scene.call(PipelineScene.refreshPath, #"{"session_token":"T0"}"#).outcome == "503 NO_ACCESS_TOKEN")
        #expect(scene.transport.requests.isEmpty)
    }

    // MARK: the session is refused, the tenant fails

    @Test func aDeadSessionIsAskedOnceAndRepeated() async throws {
        let dead = #"{"error_code":"IDAAS.SDK.PARAM.0023","error_msg":"over"}"#
        let scene = try PipelineScene { (_, _) throws(TransportError) in .json(dead, status: 400) }
        _ = try await scene.sessions.learn(
            RenewedToken(token: .sample("T0"), life: nil, fingerprint: nil), for: .sample("alice"), isLogin: true)
        let first = await scene.call(PipelineScene.ticketPath, "{}")
        #expect(first.status == 400 && first.body == dead && first.source == "upstream")
        for path in [PipelineScene.ticketPath, PipelineScene.refreshPath] {
            let again = await scene.call(path, "{}")
            #expect(again.status == 400 && again.body == dead && again.source == "replay")
        }
        #expect(
            await scene.call("/sidecar/v1/users/alice/session-token", "", method: "GET").outcome == "410 SESSION_DEAD")
        #expect(scene.transport.requests.count == 1)
    }

    @Test(arguments: [
        (TransportError(.unreachable, maybeSent: false), "502 UPSTREAM_UNREACHABLE"),
        (TransportError(.tls, maybeSent: false), "502 UPSTREAM_TLS"),
        (TransportError(.broken, maybeSent: true), "502 UPSTREAM_BROKEN"),
        (TransportError(.timeout, maybeSent: true), "504 UPSTREAM_TIMEOUT"),
        (TransportError(.connectTimeout, maybeSent: false), "504 UPSTREAM_TIMEOUT"),
    ])
    func transportFailures(_ error: TransportError, _ outcome: String) async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in throw error }
        for path in [PipelineScene.verifyPath, PipelineScene.loginPath, "/api/v2/tenant/users"] {
            #expect(await scene.call(path, "{}").outcome == outcome)
        }
        #expect(scene.transport.requests.count == (error.reason == .unreachable ? 6 : 3))
    }

    /// A refresh of which nothing was sent is tried again; one whose answer was lost is presented once more.
    @Test(arguments: [
        (TransportError(.unreachable, maybeSent: false), "502 UPSTREAM_UNREACHABLE", 3),
        (TransportError(.tls, maybeSent: false), "502 UPSTREAM_TLS", 3),
        (TransportError(.broken, maybeSent: true), "502 SESSION_LOST", 2),
        (TransportError(.timeout, maybeSent: true), "502 SESSION_LOST", 2),
    ])
    func transportFailuresOfARefresh(_ error: TransportError, _ outcome: String, _ sendings: Int) async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in throw error }
        #expect(await scene.call(PipelineScene.refreshPath, #"{"session_token":"T0"}"#).outcome == outcome)
        #expect(scene.transport.requests.count == sendings)
    }

    @Test func errorsOfTheTenantPassAsTheyAre() async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            .json(
                "busy", status: 503,
                fields: ["Retry-After": "7", "Connection": "X-Gone", "X-Gone": "1", "X-Kept": "2", "Keep-Alive": "5"])
        }
        let answer = await scene.call("/api/v2/tenant/users", "x")
        #expect(answer.status == 503 && answer.body == "busy")
        #expect(
            answer.fields.texts.dropLast() == [
                "Retry-After: 7", "X-Kept: 2", "Content-Type: application/json", "X-Sidecar-Source: upstream",
            ])
    }

    @Test func aFailingStoreSendsNothing() async throws {
        let scene = try PipelineScene(Self.tenant)
        scene.store.fail([.load])
        #expect(await scene.call(PipelineScene.refreshPath, "{}").outcome == "503 STORE_UNAVAILABLE")
        #expect(await scene.call(PipelineScene.ticketPath, "{}").outcome == "503 STORE_UNAVAILABLE")
        #expect(scene.transport.requests.isEmpty)
    }

    @Test func guardRefusalsComeFirst() async throws {
        let scene = try PipelineScene(Self.tenant)
        let evil = await scene.call(
            PipelineScene.refreshPath, #"{"session_token":"T0"}"#, fields: ["Origin": "http://evil"])
        #expect(evil.outcome == "403 BROWSER_REFUSED")
        #expect(
            evil.body == #"{"error_code":"SIDECAR.BROWSER_REFUSED","error_msg":"requests from a browser are refused"}"#)
        #expect(scene.transport.requests.isEmpty)
    }
}

/// A byte that never comes, until somebody gives up on it.
private final class DrippingBody: BodyStream {
    private let cancelled = Gate()
    func next() async throws(BodyFault) -> [UInt8]? {
        await cancelled.wait()
        throw .cancelled
    }
    func cancel() { cancelled.signal() }
}
