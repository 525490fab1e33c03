// The local API: a user's session token read and handed over.

import Model
import Pipeline
import Tenant
import TestSupport
import Testing

struct LocalAPITests {
    private let path = "/sidecar/v1/users/alice/session-token"

    @Test func handedOverAndRead() async throws {
        let scene = try PipelineScene(ProxyPipelineTests.tenant)
        let put = await scene.call(
            path, #"{"session_token":"T7","expire":3600,"device_fingerprint":"phone"}"#, method: "PUT", user: nil)
        #expect(put.status == 204 && put.body.isEmpty)
        let got = await scene.call(path, "", method: "GET", user: nil)
        #expect(got.body == #"{"session_token":"T7","expire":3600,"expires_at":"2027-01-15T09:00:00Z","generation":1}"#)
        #expect(got.source == "cache")
        let plain = await scene.call(path, "", method: "GET", user: nil, fields: ["Accept": "text/plain;q=0.9, */*"])
        #expect(plain.body == "T7" && plain.fields.first(.contentType).map { text($0) } == "text/plain; charset=utf-8")
        #expect(try await scene.store.load(.sample("alice"))?.session.fingerprint == .sample("phone"))
        #expect(scene.transport.requests.isEmpty)
    }

    @Test func aTokenTooNearItsEndIsRefreshedFirst() async throws {
        let scene = try PipelineScene(ProxyPipelineTests.tenant)
        _ = await scene.call(path, #"{"session_token":"T7","expire":100}"#, method: "PUT", user: nil)
        #expect(await scene.call(path + "?min_validity=100", "", method: "GET", user: nil).source == "cache")
        let refreshed = await scene.call(path + "?min_validity=101", "", method: "GET", user: nil)
        #expect(refreshed.source == "upstream" && refreshed.body.hasPrefix(#"{"session_token":"T8","expire":43200,"#))
        for bad in ["-1", "x", "+5", "1.5", ""] {
            #expect(
                await scene.call(path + "?min_validity=" + bad, "", method: "GET", user: nil).outcome
                    == "400 QUERY_INVALID")
        }
    }

    @Test func whileTheTenantFailsAValidTokenIsServedStale() async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            throw TransportError(.unreachable, maybeSent: false)
        }
        _ = await scene.call(path, #"{"session_token":"T7","expire":50}"#, method: "PUT", user: nil)
        let stale = await scene.call(path, "", method: "GET", user: nil)
        #expect(stale.status == 200 && stale.source == "stale" && stale.body.hasPrefix(#"{"session_token":"T7""#))
        scene.clock.advance(by: .seconds(50))
        #expect(await scene.call(path, "", method: "GET", user: nil).outcome == "502 UPSTREAM_UNREACHABLE")
    }

    @Test func aSessionWhoseAnswersWereLostIsOver() async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in throw TransportError(.broken, maybeSent: true)
        }
        _ = await scene.call(path, #"{"session_token":"T7","expire":50}"#, method: "PUT", user: nil)
        for _ in 0..<3 {
            #expect(await scene.call(path, "", method: "GET", user: nil).outcome == "502 SESSION_LOST")
            #expect(await scene.call(PipelineScene.refreshPath).outcome == "502 SESSION_LOST")
        }
        #expect(scene.transport.requests.count == 2)
    }

    @Test func whatCannotBeHandedOver() async throws {
        let scene = try PipelineScene(ProxyPipelineTests.tenant)
        for (body, outcome) in [
            ("{}", "400 SESSION_TOKEN_INVALID"), (#"{"session_token":""}"#, "400 SESSION_TOKEN_INVALID"),
            (#"{"session_token":"a b"}"#, "400 SESSION_TOKEN_INVALID"),
            (#"{"session_token":"T","expire":"60"}"#, "400 FIELD_INVALID"),
            (#"{"session_token":"T","expire":0}"#, "400 FIELD_INVALID"),
            (#"{"session_token":"T","device_fingerprint":""}"#, "400 FIELD_INVALID"),
            ("x", "400 BODY_INVALID"),
        ] { #expect(await scene.call(path, body, method: "PUT", user: nil).outcome == outcome, "\(body)") }
        #expect(await scene.call(path, "", method: "GET", user: nil).outcome == "404 SESSION_UNKNOWN")
        _ = await scene.call(path, #"{"session_token":"T7"}"#, method: "PUT", user: nil)
        #expect(
            await scene.call(
                "/sidecar/v1/users/bob/session-token", #"{"session_token":"T7"}"#, method: "PUT", user: nil
            ).outcome
                == "409 TOKEN_MISMATCH")
    }

    @Test func aForcedRefreshIsSharedAndAnswersTheToken() async throws {
        let scene = try PipelineScene(ProxyPipelineTests.tenant)
        let refresh = path + "/refresh"
        #expect(await scene.call(refresh, "", user: nil).outcome == "404 SESSION_UNKNOWN")
        _ = await scene.call(path, #"{"session_token":"T7","expire":3600}"#, method: "PUT", user: nil)
        let answer = await scene.call(refresh, "", user: nil)
        #expect(answer.source == "upstream" && answer.body.hasPrefix(#"{"session_token":"T8","expire":43200,"#))
        let plain = await scene.call(refresh, "", user: nil, fields: ["Accept": "text/plain"])
        #expect(plain.body == "T9")
        #expect(scene.transport.requests.count == 2)
        #expect(await scene.call(refresh, "", method: "GET", user: nil).outcome == "405 METHOD_NOT_ALLOWED")
    }

    @Test func aUserIsDescribedWithoutAnyToken() async throws {
        let scene = try PipelineScene(ProxyPipelineTests.tenant)
        let user = "/sidecar/v1/users/alice"
        #expect(await scene.call(user, "", method: "GET", user: nil).outcome == "404 SESSION_UNKNOWN")
        _ = await scene.call(path, #"{"session_token":"T7","expire":3600}"#, method: "PUT", user: nil)
        #expect(
            await scene.call(user, "", method: "GET", user: nil).body
                == #"{"state":"live","generation":1,"expire":3600,"expires_at":"2027-01-15T09:00:00Z","#
                + #""fingerprint_pinned":false,"last_refresh":"2027-01-15T08:00:00Z","last_error":null}"#)
    }

    /// The code of the last failure, whoever made it, until a refresh succeeds again.
    @Test func theLastErrorIsTold() async throws {
        let answers: [(Int, String, String)] = [
            (403, #"{"error_code":"IDAAS.SDK.PARAM.0099","error_msg":"x"}"#, #""last_error":"IDAAS.SDK.PARAM.0099"}"#),
            (403, #"{"error":"access_denied"}"#, #""last_error":"access_denied"}"#),
            (429, "", #""last_error":"HTTP 429"}"#),
        ]
        for (status, body, expected) in answers {
            let scene = try PipelineScene { (_, _) throws(TransportError) in
                UpstreamResponse.json(body, status: status)
            }
            _ = await scene.call(path, #"{"session_token":"T7"}"#, method: "PUT", user: nil)
            #expect(await scene.call(PipelineScene.refreshPath).status == status)
            let described = await scene.call("/sidecar/v1/users/alice", "", method: "GET", user: nil)
            #expect(described.body.hasSuffix(expected), "\(described.body)")
        }
        let down = try PipelineScene { (_, _) throws(TransportError) in
            throw TransportError(.unreachable, maybeSent: false)
        }
        _ = await down.call(path, #"{"session_token":"T7"}"#, method: "PUT", user: nil)
        _ = await down.call(PipelineScene.refreshPath)
        #expect(
            await down.call("/sidecar/v1/users/alice", "", method: "GET", user: nil).body
                .hasSuffix(#""last_error":"SIDECAR.UPSTREAM_UNREACHABLE"}"#))
    }

    @Test func aForgottenUserIsUnknown() async throws {
        let scene = try PipelineScene(ProxyPipelineTests.tenant)
        _ = await scene.call(path, #"{"session_token":"T7"}"#, method: "PUT", user: nil)
        let user = "/sidecar/v1/users/alice"
        for _ in 0..<2 { #expect(await scene.call(user, "", method: "DELETE", user: nil).status == 204) }
        #expect(await scene.call(path, "", method: "GET", user: nil).outcome == "404 SESSION_UNKNOWN")
        #expect(try await scene.store.load(.sample("alice")) == nil)
    }

    // MARK: explain

    private func explain(_ scene: PipelineScene, _ question: String) async -> String {
        await scene.call("/sidecar/v1/explain", question, user: nil).body
    }

    @Test func explainTellsWhatWouldBeSentAndSendsNothing() async throws {
        let scene = try PipelineScene(ProxyPipelineTests.tenant)
        _ = await scene.call(
            path, #"{"session_token":"T7-secret","device_fingerprint":"fp-secret"}"#, method: "PUT", user: nil)
        let told = await explain(
            scene,
            #"{"method":"POST","path":"/api/v2/tenant/sso/session-token/sso-ticket","#
                + #""headers":{"X-Sidecar-User":"alice","Cookie":"c-secret","User-Agent":"app/1"},"body":{"extra":1.0}}"#
        )
        #expect(told.hasPrefix(#"{"outcome":"forwarded","route":"T3","request":{"method":"POST","#), "\(told)")
        for part in [
            #"["Authorization","Bearer •••"]"#, #"["Cookie","•••"]"#, #""extra":1.0"#, #""session_token":"•••""#,
            #""device_fingerprint":"•••""#, #""agent":"app/1""#, #""error":null"#, "the newest session token goes out",
            "the device fingerprint is pinned to the session",
        ] { #expect(told.contains(part), "\(part) in \(told)") }
        #expect(!told.contains("secret") && !told.contains("ACCESS"))
        let refresh = await explain(
            scene,
            #"{"path":"/api/v2/tenant/sso/session-token/refresh","headers":{"X-Sidecar-User":"alice"},"body":"{}"}"#)
        #expect(refresh.contains("is presented, and replaced by the answer"))
        #expect(scene.transport.requests.isEmpty)
        // And nothing has begun.
        #expect(await scene.call(PipelineScene.ticketPath).status == 200)
    }

    /// What proves the user in each edition, and what of it is there already.
    @Test func explainTellsOfProofs() async throws {
        let question = #"{"method":"GET","path":"/api/v2/sdk/social","headers":{"X-Sidecar-User":"alice"}}"#
        let ciam = try PipelineScene(ProxyPipelineTests.tenant)
        _ = await ciam.call(path, #"{"session_token":"T7"}"#, method: "PUT", user: nil)
        let bought = await explain(ciam, question)
        #expect(
            bought.contains(#"["Authorization","Bearer •••"]"#) && bought.contains("no id_token is known"), "\(bought)")
        let own = await explain(
            ciam, question.replacing(#""alice""#, with: #""alice","Authorization":"Bearer mine""#))
        #expect(own.contains("the app's own proof of its user passes"), "\(own)")
        let oneAccess = try PipelineScene(with: .changed { $0.profile = .oneAccess }, ProxyPipelineTests.tenant)
        _ = await oneAccess.call(path, #"{"session_token":"T7"}"#, method: "PUT", user: nil)
        let sealed = await explain(oneAccess, question)
        #expect(sealed.contains(#"["X-signature","•••"]"#) && sealed.contains("sealed in X-signature"), "\(sealed)")
        let placeholder = try PipelineScene(
            with: .changed { $0.tokenEndpoint = .placeholder }, ProxyPipelineTests.tenant)
        let answered = await explain(placeholder, #"{"path":"/api/v2/tenant/token"}"#)
        #expect(answered.contains(#""outcome":"answered""#) && answered.contains("worthless"), "\(answered)")
        for scene in [ciam, oneAccess, placeholder] { #expect(scene.transport.requests.isEmpty) }
    }

    @Test(
        arguments: [
            (#"{"path":"/other"}"#, #"{"outcome":"refused","route":null"#, "SIDECAR.PATH_NOT_ALLOWED"),
            (#"{"path":"/api/v2/tenant/a/../b"}"#, #"{"outcome":"refused","route":null"#, "SIDECAR.PATH_AMBIGUOUS"),
            (
                #"{"path":"/api/v2/sdk/x","headers":{"Host":"evil.example"}}"#, #"{"outcome":"refused""#,
                "SIDECAR.HOST_NOT_ALLOWED"
            ),
            (
                #"{"path":"/api/v2/tenant/sso/session-token/refresh"}"#, #"{"outcome":"refused","route":"T2""#,
                "SIDECAR.SESSION_UNKNOWN"
            ),
            (
                #"{"path":"/api/v2/tenant/sso/session-token/refresh","body":"{\"a\":1,\"a\":2}"}"#,
                #"{"outcome":"refused","route":"T2""#, "SIDECAR.BODY_INVALID"
            ),
            (#"{"path":"/sidecar/v1/users/alice"}"#, #"{"outcome":"answered""#, "it is a call of the local API"),
        ])
    func explainTellsWhatWouldBeRefused(question: String, beginning: String, part: String) async throws {
        let scene = try PipelineScene(ProxyPipelineTests.tenant)
        let told = await explain(scene, question)
        #expect(told.hasPrefix(beginning) && told.contains(part), "\(told)")
    }

    @Test func aQuestionThatIsNone() async throws {
        let scene = try PipelineScene(ProxyPipelineTests.tenant)
        for question in [
            "{}", #"{"path":7}"#, #"{"path":"/x","headers":[]}"#, #"{"path":"/x","headers":{"a":1}}"#,
            #"{"path":"/x","headers":{"a b":"1"}}"#, #"{"path":"/x","headers":{"a":"1\r\nb: 2"}}"#,
        ] {
            #expect(
                await scene.call("/sidecar/v1/explain", question, user: nil).outcome == "400 FIELD_INVALID",
                "\(question)")
        }
    }

    @Test func usersAreDecodedOnce() async throws {
        let scene = try PipelineScene(ProxyPipelineTests.tenant)
        _ = await scene.call(
            "/sidecar/v1/users/a%2Fb%2541/session-token", #"{"session_token":"T7"}"#, method: "PUT", user: nil)
        #expect(try await scene.store.load(.sample("a/b%41")) != nil)
        for bad in ["", "%", "%zz", "%00", "%ff", String(repeating: "a", count: 257)] {
            #expect(
                await scene.call("/sidecar/v1/users/\(bad)/session-token", "", method: "GET", user: nil).outcome
                    == "400 USER_INVALID",
                "\(bad)")
        }
        #expect(await scene.call(path, "", method: "POST", user: nil).outcome == "405 METHOD_NOT_ALLOWED")
        #expect(await scene.call(path + "/x", "", method: "GET", user: nil).outcome == "404 NOT_FOUND")
    }
}
