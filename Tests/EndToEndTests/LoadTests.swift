// Many users at once against the strict tenant: nothing crosses, nothing is presented twice.

import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct LoadTests {
    private struct Refreshed: Decodable { let sessionToken: String }

    /// 64 users in parallel, 10,000 refreshes. Each app follows its own token and sends a fingerprint that is not its user's.
    @Test(arguments: ["1.1", "auto"])
    func tenThousandRefreshes(_ version: String) async throws {
        let (users, rounds) = (64, 157)
        try await Tenant.with { tenant in
            try await withTestFolder { folder in
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/s.db").merging([
                    "SIDECAR_UPSTREAM_HTTP": version
                ]) { $1 }
                _ = try await Sidecar.with(settings) { sidecar in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number in 0..<users {
                            let user = "user\(number)"
                            group.addTask {
                                var token = try await tenant.open(user, fingerprint: "fp-\(user)")
                                try await KeepAliveClient.with(port: sidecar.port) { client in
                                    let put = try await client.send(
                                        "PUT", "/sidecar/v1/users/\(user)/session-token",
                                        body: bytes(
                                            #"{"session_token":"\#(token)","device_fingerprint":"fp-\#(user)"}"#))
                                    #expect(put.status == 204)
                                    for round in 0..<rounds {
                                        let body =
                                            round % 3 == 0
                                            ? "{}"
                                            : #"{"session_token":"\#(token)","device_fingerprint":"fp-user\#((number + 1) % users)"}"#
                                        let answer = try await client.send(
                                            "POST", "/api/v2/tenant/sso/session-token/refresh",
                                            user: round % 3 == 1 ? nil : user,
                                            body: bytes(body))
                                        try #require(answer.status == 200, "\(text(answer.body))")
                                        token = try Tenant.decoder.decode(Refreshed.self, from: Data(answer.body))
                                            .sessionToken
                                    }
                                }
                                let session = try await tenant.session(user)
                                #expect(session.sessionToken == token && session.generation == rounds)
                                #expect(
                                    session.presentations.values.allSatisfy { $0 == 1 }
                                        && session.presentations.count == rounds)
                            }
                        }
                        try await group.waitForAll()
                    }
                }
            }
            try await tenant.expectCleanCounters()
            #expect(try await tenant.counters()["refreshes"] == users * rounds)
        }
    }

    /// 200 callers at once on one user: one presentation, one token. One caller alone to compare the time with.
    @Test(arguments: [1, 200])
    func callersOfOneUser(_ count: Int) async throws {
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                let login = try await sidecar.post(
                    "/api/v2/sdk/login", #"{"user_name":"alice","password":"demo-password"}"#)
                let token = try #require(login.member("session_token"))
                _ = try await tenant.control(
                    "POST", "/faults", #"{"kind":"hold","path":"/api/v2/tenant/sso/session-token/refresh"}"#)
                let answers = try await withThrowingTaskGroup(of: (answer: String, at: ContinuousClock.Instant).self) {
                    group in
                    for _ in 0..<count {
                        group.addTask {
                            let body = bytes(#"{"session_token":"\#(token)"}"#)
                            let (answer, at) = try await KeepAliveClient.with(port: sidecar.port) {
                                let answer = try await $0.send(
                                    "POST", "/api/v2/tenant/sso/session-token/refresh", user: "alice", body: body)
                                return (answer, ContinuousClock.now)
                            }
                            let newest = try Tenant.decoder.decode(Refreshed.self, from: Data(answer.body)).sessionToken
                            return ("\(answer.status) \(newest)", at)
                        }
                    }
                    try await tenant.parked()
                    let released = ContinuousClock.now
                    _ = try await tenant.control("POST", "/faults/release")
                    let all = try await group.reduce(into: []) { $0.append($1) }
                    let times = all.map { $0.at - released }.sorted()
                    print(
                        "\(count) callers: p50 \(times[count / 2]), p99 \(times[count * 99 / 100]) after the tenant was let go"
                    )
                    return Set(all.map(\.answer))
                }
                #expect(answers.count == 1 && answers.first?.hasPrefix("200 ") == true)
            }
            #expect(try await tenant.counters()["refreshes"] == 1)
            try await tenant.expectCleanCounters()
        }
    }

    /// 1,000 users at once while one user's refresh hangs at the tenant: nobody waits for anybody.
    @Test func aThousandUsersAtOnce() async throws {
        let users = 1000
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                try await Self.handOver(users, tenant, sidecar)
                let held = #"{"kind":"hold","path":"/api/v2/tenant/sso/session-token/refresh","user":"user0"}"#
                _ = try await tenant.control("POST", "/faults", held)
                async let hanging = sidecar.post("/api/v2/tenant/sso/session-token/refresh", user: "user0")
                try await tenant.parked()
                let started = ContinuousClock.now
                let times = try await Self.refreshAll(1..<users, sidecar)
                print(
                    "1,000 users at once: \(ContinuousClock.now - started) in all, p99 \(times[times.count * 99 / 100])"
                )
                #expect(times.count == users - 1)
                _ = try await tenant.control("POST", "/faults/release")
                #expect(try await hanging.status == 200)
            }
            try await tenant.expectCleanCounters()
            #expect(try await tenant.counters()["refreshes"] == users)
        }
    }

    /// Each hands the token of a login made elsewhere over.
    private static func handOver(_ users: Int, _ tenant: Tenant, _ sidecar: Sidecar) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<20 {
                group.addTask {
                    try await KeepAliveClient.with(port: sidecar.port) { client in
                        for number in stride(from: worker, to: users, by: 20) {
                            let user = "user\(number)"
                            let token = try await tenant.open(user, fingerprint: "fp-\(user)")
                            let body = #"{"session_token":"\#(token)","device_fingerprint":"fp-\#(user)"}"#
                            let put = try await client.send(
                                "PUT", "/sidecar/v1/users/\(user)/session-token", body: bytes(body))
                            #expect(put.status == 204)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// One refresh of each, all at once, each on a connection of its own.
    /// - Returns: how long each took, the shortest first.
    private static func refreshAll(_ users: Range<Int>, _ sidecar: Sidecar) async throws -> [Duration] {
        try await withThrowingTaskGroup(of: Duration.self) { group in
            for number in users {
                group.addTask {
                    try await KeepAliveClient.with(port: sidecar.port) { client in
                        let started = ContinuousClock.now
                        let answer = try await client.send(
                            "POST", "/api/v2/tenant/sso/session-token/refresh", user: "user\(number)", body: bytes("{}")
                        )
                        #expect(answer.status == 200)
                        return ContinuousClock.now - started
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }.sorted()
        }
    }

    /// Requests in flight are answered after SIGTERM, and the process ends clean.
    @Test func aTermDuringARefreshLosesNothing() async throws {
        try await Tenant.with { tenant in
            let (answer, end) = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                _ = try await sidecar.post("/api/v2/sdk/login", #"{"user_name":"alice","password":"demo-password"}"#)
                _ = try await tenant.control("POST", "/faults", #"{"kind":"hold","path":"/api/v2/tenant/sso/"}"#)
                async let refreshing = sidecar.post("/api/v2/tenant/sso/session-token/refresh")
                try await tenant.parked()
                sidecar.program.stop()
                _ = await sidecar.program.lines.first { $0.contains("shutting down") }
                _ = try await tenant.control("POST", "/faults/release")
                let answer = try await refreshing
                // The end of the scope would ask again.
                _ = await sidecar.program.lines.first { _ in false }
                return answer
            }
            #expect(answer.status == 200 && end.exitCode == 0)
        }
    }
}
