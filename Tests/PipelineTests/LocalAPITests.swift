// The local API: a user's session token read and handed over.

import Model
import Pipeline
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
