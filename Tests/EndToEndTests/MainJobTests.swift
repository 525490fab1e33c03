// The main job: a plain local call goes out over TLS with everything injected, and the new session token is kept.

import FoundationEssentials
import Subprocess
import TestSupport
import Testing

@Suite(.serialized) struct MainJobTests {
    private static let refresh = "/api/v2/tenant/sso/session-token/refresh"
    private static let ticket = "/api/v2/tenant/sso/session-token/sso-ticket"
    private static let verify = "/api/v2/tenant/sso/sso-ticket/verify"
    private static let login = "/api/v2/sdk/login"
    private static let credentials = #"{"user_name":"alice","password":"demo-password"}"#

    @Test(arguments: ["1.1", "2", "auto"])
    func theWholeRoundByCurl(_ version: String) async throws {
        try await Tenant.with { tenant in
            let settings = Sidecar.settings(tenant).merging(["SIDECAR_UPSTREAM_HTTP": version]) { $1 }
            let (_, end) = try await Sidecar.with(settings) { sidecar in
                let first = try #require(try await sidecar.post(Self.login, Self.credentials).member("session_token"))
                let second = try #require(
                    try await sidecar.post(Self.refresh, #"{"session_token":"\#(first)"}"#).member("session_token"))
                let third = try #require(try await sidecar.post(Self.refresh).member("session_token"))
                #expect(Set([first, second, third]).count == 3)
                // The app still holds the second token.
                let ticket = try #require(
                    try await sidecar.post(Self.ticket, #"{"session_token":"\#(second)"}"#).member("sso_ticket"))
                let profile = try await sidecar.post(Self.verify, #"{"sso_ticket":"\#(ticket)"}"#)
                #expect(profile.status == 200 && profile.member("userName") == "alice")
                // S1 rotates as well, from a token that was replaced twice.
                let exchanged = try await sidecar.curl([
                    "-X", "POST", "-H", "X-Sidecar-User: alice", "-H", "session-token: \(first)",
                    sidecar.url + "/api/v2/sdk/sso/session-token/id-token",
                ])
                #expect(exchanged.status == 200 && exchanged.member("id_token") != nil)
                let fourth = exchanged.member("session_token")
                #expect(fourth != third)
                let current = try await sidecar.curl([
                    "-H", "Accept: text/plain", sidecar.url + "/sidecar/v1/users/alice/session-token",
                ])
                #expect(current.body == fourth)
                let echo = try await sidecar.curl([sidecar.url + "/api/v2/tenant/echo?a=b"])
                #expect(echo.status == 200)
            }
            #expect(end.exitCode == 0)
            let received = try await tenant.received()
            let outcomes = received.map(\.outcome)
            #expect(outcomes == ["token", "login", "refreshed", "refreshed", "ticket", "verified", "id_token", "echo"])
            #expect(received.allSatisfy { $0.protocol == (version == "1.1" ? "HTTP/1.1" : "HTTP/2") })
            let bearers = Set(
                received.filter { $0.path.hasPrefix("/api/v2/tenant/sso") }.flatMap { $0.values("authorization") })
            #expect(bearers.count == 1 && bearers.first?.hasPrefix("Bearer ") == true)
            #expect(
                received.filter { $0.path.hasPrefix("/api/v2/sdk/") }.allSatisfy { $0.values("authorization").isEmpty })
            let fingerprints = Set(
                received.compactMap { $0.json["device_fingerprint"] } + received[1].values("x-device-fingerprint"))
            #expect(fingerprints.count == 1)
            #expect(received.allSatisfy { $0.values("x-sidecar-user").isEmpty })
            try await tenant.expectCleanCounters()
        }
    }

    /// Python's own client on one kept-alive connection.
    @Test func theWholeRoundByAnotherClient() async throws {
        let script = """
            import http.client, json, sys
            c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
            def call(path, body):
                c.request("POST", path, json.dumps(body), {"X-Sidecar-User": "bob", "Content-Type": "application/json"})
                a = c.getresponse(); t = json.loads(a.read()); assert a.status == 200, t; return t
            s = call("/api/v2/sdk/login", {"user_name": "bob", "password": "demo-password"})["session_token"]
            for _ in range(20):
                n = call("/api/v2/tenant/sso/session-token/refresh", {"session_token": s})["session_token"]
                assert n != s; s = n
            t = call("/api/v2/tenant/sso/session-token/sso-ticket", {"session_token": s})["sso_ticket"]
            print(call("/api/v2/tenant/sso/sso-ticket/verify", {"sso_ticket": t})["userName"])
            """
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                let python = try await Subprocess.run(
                    .name("python3"), arguments: ["-c", script, String(sidecar.port)], output: .string(limit: 10_000),
                    error: .combinedWithOutput)
                #expect(python.standardOutput == "bob\n")
            }
            try await tenant.expectCleanCounters()
        }
    }

    /// Number spellings, escapes, unknown fields and their order reach the tenant byte for byte.
    @Test func everyOtherByteOfTheBodyStays() async throws {
        let odd =
            #"{"a":1.0,"b":1e400,"c":12345678901234567890,"z":"\u0000\ud83d\ude00","nested":{"session_token":[1, 2 ]} , "d" : -0.0E+1}"#
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                _ = try await sidecar.post(Self.login, Self.credentials)
                #expect(try await sidecar.post(Self.refresh, odd).status == 200)
            }
            let body = try #require(try await tenant.received().last?.body)
            #expect(body.hasPrefix(odd.dropLast() + #","operating_sys_version":"#))
        }
    }

    /// The tenant's strictness reaches the app as it is.
    @Test func theTenantsOwnAnswersPass() async throws {
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                let wrong = try await sidecar.post(Self.login, #"{"user_name":"alice","password":"wrong"}"#)
                #expect(wrong.status == 400 && wrong.member("error_code") == "SDK.LOGIN.1005")
                let mfa = try await sidecar.post(Self.login, #"{"user_name":"mfa-anna","password":"demo-password"}"#)
                #expect(mfa.status == 200 && mfa.member("status") == "MFA_AUTH")
                let unknown = try await sidecar.post(Self.refresh, #"{"session_token":"never-issued"}"#)
                #expect(unknown.status == 400 && unknown.member("error_code") == "IDAAS.SDK.PARAM.0023")
                let ticket = try await sidecar.post(Self.verify, #"{"sso_ticket":"none"}"#)
                #expect(ticket.status == 400 && ticket.member("error_code") == "IDAAS.SDK.PARAM.0032")
            }
        }
    }

    @Test func accessTokensAreRenewedAndReplaced() async throws {
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                _ = try await sidecar.post(Self.login, Self.credentials)
                _ = try await tenant.control("POST", "/access-tokens/expire")
                #expect(try await sidecar.post(Self.refresh).status == 200)
            }
            let counters = try await tenant.counters()
            #expect(
                counters["token_fetches"] == 2 && counters["bearer_rejected"] == 1 && counters["refreshes"] == 1
                    && counters["reuse"] == 0)
        }
    }

    @Test func theSecretMayGoByBasicAndFromAFile() async throws {
        try await Tenant.with { tenant in
            try await withTestFolder { folder in
                try Data("demo-secret\n".utf8).write(to: URL(filePath: folder + "/secret"))
                var settings = Sidecar.settings(tenant).merging([
                    "SIDECAR_CLIENT_SECRET_FILE": folder + "/secret", "SIDECAR_TOKEN_AUTH": "basic",
                ]) { $1 }
                settings["SIDECAR_CLIENT_SECRET"] = nil
                _ = try await Sidecar.with(settings) { (sidecar) async throws -> Void in
                    #expect(try await sidecar.post(Self.login, Self.credentials).status == 200)
                    #expect(try await sidecar.post(Self.refresh).status == 200)
                }
                let received = try await tenant.received()
                let fetch = try #require(received.first { $0.outcome == "token" })
                #expect(
                    fetch.values("authorization").first?.hasPrefix("Basic ") == true
                        && !fetch.body.contains("demo-secret"))
            }
        }
    }

    @Test func anAccessTokenFileIsReadAgainWhenItChanges() async throws {
        try await Tenant.with { tenant in
            try await withTestFolder { folder in
                let file = folder + "/token"
                try Data("first\n".utf8).write(to: URL(filePath: file))
                _ = try await tenant.control("POST", "/access-tokens", #"{"token":"first","life":1000}"#)
                var settings = Sidecar.settings(tenant).merging(["SIDECAR_ACCESS_TOKEN_FILE": file]) { $1 }
                settings["SIDECAR_CLIENT_SECRET"] = nil
                _ = try await Sidecar.with(settings) { (sidecar) async throws -> Void in
                    #expect(try await sidecar.curl([sidecar.url + "/api/v2/tenant/echo"]).status == 200)
                    _ = try await tenant.control("POST", "/access-tokens/expire")
                    _ = try await tenant.control("POST", "/access-tokens", #"{"token":"second","life":1000}"#)
                    try Data("second\n".utf8).write(to: URL(filePath: file))
                    #expect(try await sidecar.curl([sidecar.url + "/api/v2/tenant/echo"]).status == 200)
                }
            }
        }
    }

    /// What was acknowledged is there after SIGKILL, and is what is presented next.
    @Test func acknowledgedTokensSurviveAKill() async throws {
        try await Tenant.with { tenant in
            try await withTestFolder { folder in
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/sessions.db")
                var acknowledged: String?
                for round in 0..<5 {
                    let (token, end) = try await Sidecar.with(settings) { sidecar in
                        if round == 0 { _ = try await sidecar.post(Self.login, Self.credentials) }
                        if let acknowledged {
                            let current = try await sidecar.curl([
                                "-H", "Accept: text/plain", sidecar.url + "/sidecar/v1/users/alice/session-token",
                            ])
                            #expect(current.body == acknowledged)
                        }
                        let token = try await sidecar.post(Self.refresh).member("session_token")
                        sidecar.program.kill()
                        return token
                    }
                    #expect(end.exitCode == nil)
                    #expect(token != nil)
                    acknowledged = token
                }
            }
            #expect(try await tenant.session("alice").generation == 5)
            try await tenant.expectCleanCounters()
        }
    }
}
