// Several sidecars on one Redis server: one rotation for all of them, and what becomes of it when things fail.

import FoundationEssentials
import NIOConcurrencyHelpers
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(30))) struct SharedStoreTests {
    private static let refresh = "/api/v2/tenant/sso/session-token/refresh"
    private static let ticket = "/api/v2/tenant/sso/session-token/sso-ticket"
    private static let login = #"{"user_name":"alice","password":"demo-password"}"#

    private func settings(_ tenant: Tenant, _ server: RedisServer, _ more: [String: String] = [:]) -> [String: String] {
        Sidecar.settings(tenant, sharing: server).merging(more) { $1 }
    }

    private func scene(
        _ options: [String] = [], _ more: [String: String] = [:],
        _ body: (Tenant, RedisServer, Sidecar, Sidecar) async throws -> Void
    ) async throws {
        try await Tenant.with(options) { tenant in
            try await RedisServer.with { server in
                let settings = settings(tenant, server, more)
                _ = try await Sidecar.with(settings) { first in
                    try await follows(server, 1)
                    _ = try await Sidecar.with(settings) { second in
                        try await follows(server, 2)
                        try await body(tenant, server, first, second)
                    }
                }
            }
        }
    }

    /// Returns when so many sidecars hear of changes.
    private func follows(_ server: RedisServer, _ count: Int) async throws {
        let channels = "return redis.call('PUBSUB', 'NUMSUB', redis.call('PUBSUB', 'CHANNELS')[1])[2]"
        while Int(try await server.command("EVAL", channels, "0").filter(\.isNumber)) ?? 0 < count {}
    }

    private func reads(_ server: RedisServer) async throws -> Int {
        let lines = try await server.command("INFO", "commandstats").split(whereSeparator: \.isNewline)
        let line = lines.first { $0.hasPrefix("cmdstat_evalsha:calls=") } ?? ""
        return Int(line.dropFirst("cmdstat_evalsha:calls=".count).prefix(while: \.isNumber)) ?? 0
    }

    /// Login at one, refresh at the other, and back: each has the newest token, with the same device.
    @Test func aSessionIsEverywhere() async throws {
        try await scene { tenant, server, first, second in
            #expect(try await first.post("/api/v2/sdk/login", Self.login).status == 200)
            for sidecar in [second, first, second] {
                #expect(try await sidecar.post(Self.refresh).status == 200)
            }
            let newest = try await tenant.session("alice").sessionToken
            for sidecar in [first, second] {
                let held = try await sidecar.curl([
                    "-H", "Accept: text/plain", sidecar.url + "/sidecar/v1/users/alice/session-token",
                ])
                #expect(held.body == newest)
                #expect(try await sidecar.post(Self.ticket).status == 200)
            }
            // What is known is answered from memory.
            try await server.command("CONFIG", "RESETSTAT")
            for sidecar in [first, second] { #expect(try await sidecar.post(Self.ticket).status == 200) }
            #expect(try await reads(server) == 0)
            // Logged out at one, gone at the other.
            _ = try await first.curl(["-X", "DELETE", first.url + "/sidecar/v1/users/alice"])
            while try await second.curl([second.url + "/sidecar/v1/users/alice"]).status != 404 {}
            try await tenant.expectCleanCounters()
        }
    }

    /// The news do not come: reads go to the store, and nobody gets an old token.
    @Test func withoutNews() async throws {
        try await scene { tenant, server, first, second in
            try await server.command("ACL", "SETUSER", "default", "-subscribe")
            try await server.command("CLIENT", "KILL", "TYPE", "pubsub")
            while try await server.command("PUBSUB", "CHANNELS").contains("changed") {}
            _ = try await first.post("/api/v2/sdk/login", Self.login)
            for round in 0..<4 {
                let (one, other) = round % 2 == 0 ? (first, second) : (second, first)
                #expect(try await one.post(Self.refresh).status == 200)
                #expect(try await other.post(Self.ticket).status == 200)
            }
            try await tenant.expectCleanCounters()
        }
    }

    /// Many callers at both, round after round: one presentation for each generation.
    @Test func onePresentationForEachGeneration() async throws {
        let (users, rounds, parallel) = (20, 5, 10)
        try await scene { tenant, _, first, second in
            for number in 0..<users {
                let token = try await tenant.open("user\(number)", fingerprint: "fp")
                _ = try await first.curl([
                    "-X", "PUT", "-d", #"{"session_token":"\#(token)","device_fingerprint":"fp"}"#,
                    first.url + "/sidecar/v1/users/user\(number)/session-token",
                ])
            }
            for _ in 0..<rounds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<users {
                        for caller in 0..<parallel {
                            let sidecar = caller % 2 == 0 ? first : second
                            group.addTask {
                                let answer = try await KeepAliveClient.with(port: sidecar.port) {
                                    try await $0.send("POST", Self.refresh, user: "user\(number)", body: bytes("{}"))
                                }
                                #expect(answer.status == 200, "\(text(answer.body))")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await tenant.expectCleanCounters()
        }
    }

    /// The sidecar that rotates dies: the other one takes over when its attempt is certainly over.
    @Test func aLeaderThatDies() async throws {
        try await scene([], ["SIDECAR_LOST_ANSWER_SETTLE": "100ms"]) { tenant, _, first, second in
            _ = try await first.post("/api/v2/sdk/login", Self.login)
            let holding = #"{"kind":"hold","path":"\#(Self.refresh)","if_client_gone":"drop"}"#
            _ = try await tenant.control("POST", "/faults", holding)
            async let lost = first.post(Self.refresh)
            try await tenant.parked()
            first.program.kill()
            _ = try await lost
            _ = try await tenant.control("POST", "/faults/release")
            // It waits for the whole 30 seconds that the attempt may have taken, and then presents the token once more.
            #expect(try await second.post(Self.refresh).status == 200)
            #expect(try await tenant.session("alice").presentations["0"] ?? 0 <= 2)
            #expect(try await tenant.counters()["reuse"] == 0)
        }
    }

    /// Down at start: it waits, says why, and serves as soon as it can; asked to end while it waits, it ends.
    @Test func downAtStart() async throws {
        try await Tenant.with { tenant in
            try await RedisServer.with { server in
                await server.stop()
                let port = try await freePort()
                let settings = settings(tenant, server, ["SIDECAR_ADMIN_LISTEN": "127.0.0.1:\(port)"])
                let waiting = try await Programs.run("ciam-sidecar", environment: settings) { program in
                    _ = await program.lines.first { $0.contains("the store cannot be used") }
                    #expect(try await Curl.run(["http://127.0.0.1:\(port)/livez"]).status == 200)
                    let ready = try await Curl.run(["http://127.0.0.1:\(port)/readyz"])
                    #expect(ready.status == 503 && ready.body.contains("the store cannot be reached"))
                    let metrics = try await Curl.run(["http://127.0.0.1:\(port)/metrics"]).body
                    #expect(metrics.contains(#"sidecar_store_trouble{reason="unreachable"} 1"#))
                    #expect(try await Curl.run(["http://127.0.0.1:\(port)/status"]).body.contains(#""store":"redis""#))
                }
                #expect(waiting.1.exitCode == 0)
                _ = try await Programs.run("ciam-sidecar", environment: settings) { program in
                    _ = await program.lines.first { $0.contains("the store cannot be used") }
                    try await server.start()
                    #expect(await program.lines.first { $0.contains(" info ready ") } != nil)
                }
            }
        }
    }

    /// Goes down and comes back: what needs no write goes on; a login is kept and stored later.
    @Test func downAndBack() async throws {
        try await scene { tenant, server, first, second in
            _ = try await first.post("/api/v2/sdk/login", Self.login)
            #expect(try await second.post(Self.ticket).status == 200)
            await server.kill()
            for sidecar in [first, second] {
                #expect(try await sidecar.post(Self.ticket).status == 200)
                let refused = try await sidecar.post(Self.refresh)
                #expect(refused.status == 503 && refused.member("error_code") == "SIDECAR.STORE_UNAVAILABLE")
                let ready = try await sidecar.admin("/readyz")
                #expect(ready.status == 503 && ready.body.contains("the store cannot be reached"))
                let metrics = try await sidecar.admin("/metrics").body
                #expect(metrics.contains(#"sidecar_store_trouble{reason="unreachable"} 1"#))
                #expect(!metrics.contains(#"sidecar_store_claims_total{state="broken"} 0"#))
            }
            #expect(try await second.post("/api/v2/sdk/login", Self.login).status == 200)
            #expect(try await second.admin("/readyz").body.contains("memory holds the only copy"))
            try await server.start()
            while try await second.admin("/readyz").status != 200 {}
            while try await first.admin("/readyz").status != 200 {}
            // The login was handed over, and the other one has it.
            let newest = try await tenant.session("alice").sessionToken
            let held = try await first.curl([
                "-H", "Accept: text/plain", first.url + "/sidecar/v1/users/alice/session-token",
            ])
            #expect(held.body == newest)
            #expect(try await first.post(Self.refresh).status == 200)
            try await tenant.expectCleanCounters()
        }
    }

    /// `SIDECAR_STORE_DOWN=allow`: refreshes go on, and the store gets what came of them.
    @Test func allowedWhileDown() async throws {
        try await scene([], ["SIDECAR_STORE_DOWN": "allow"]) { tenant, server, first, second in
            _ = try await first.post("/api/v2/sdk/login", Self.login)
            await server.kill()
            for _ in 0..<3 { #expect(try await first.post(Self.refresh).status == 200) }
            try await server.start()
            while try await first.admin("/readyz").status != 200 {}
            while try await second.admin("/readyz").status != 200 {}
            #expect(try await second.post(Self.refresh).status == 200)
            try await tenant.expectCleanCounters()
        }
    }

    /// An empty server takes over (a failover to nothing): the sidecars hand back what they remember.
    @Test func aServerThatHasLostEverything() async throws {
        try await Tenant.with { tenant in
            try await RedisServer.with(["--appendonly", "no"]) { server in
                _ = try await Sidecar.with(settings(tenant, server)) { sidecar in
                    _ = try await sidecar.post("/api/v2/sdk/login", Self.login)
                    #expect(try await sidecar.post(Self.refresh).status == 200)
                    await server.kill()
                    try await server.start()
                    #expect(
                        await sidecar.program.lines.first { $0.contains("gets the sessions that it may not have") }
                            != nil)
                    while try await sidecar.admin("/readyz").status != 200 {}
                    #expect(try await sidecar.post(Self.refresh).status == 200)
                }
                // Another one, which remembers nothing, finds it in the store.
                _ = try await Sidecar.with(settings(tenant, server)) { sidecar in
                    let refreshed = try await sidecar.post(Self.refresh).status
                    #expect(refreshed == 200)
                }
                try await tenant.expectCleanCounters()
            }
        }
    }

    /// A failing start: one clear line each.
    @Test func whatEndsTheStart() async throws {
        try await Tenant.with { tenant in
            try await RedisServer.with { server in
                let wrong = try await Programs.runToEnd(
                    "ciam-sidecar", environment: settings(tenant, server, ["SIDECAR_STORE_PASSWORD": "no"]))
                #expect(wrong.exitCode == 78)
                #expect(wrong.lines.contains { $0.contains("look at SIDECAR_STORE_USER and SIDECAR_STORE_PASSWORD") })
                _ = try await Sidecar.with(settings(tenant, server)) { _ in }
                let other = try await Programs.runToEnd(
                    "ciam-sidecar",
                    environment: settings(
                        tenant, server, ["SIDECAR_STORE_KEY": "b3RoZXItY2FuYXJ5LWFiY2RlZmdoaWprbG1ub3BxcnM="]))
                #expect(other.exitCode == 78)
                #expect(other.lines.contains { $0.contains("was begun with another key") })
            }
        }
    }
}
