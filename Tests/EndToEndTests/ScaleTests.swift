// Many sessions, and a long time: that it works here, how well where a machine is set aside for it.
//
//   SESSIONS=1000000 SOAK_SECONDS=300 PROGRAMS=.build/release deploy/test.sh --filter ScaleTests

import FoundationEssentials
import NIOConcurrencyHelpers
import TestSupport
import Testing

@Suite(.serialized) struct ScaleTests {
    private static func setting(_ name: String, _ fallback: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? fallback
    }

    private static func path(_ number: Int) -> String { "/sidecar/v1/users/user\(number)/session-token" }
    /// As long as a real one.
    private static func token(_ number: Int) -> String { "session-token-of-forty-characters-\(100_000_000 + number)" }

    /// All sessions are found, those in memory and those that only the store has, before and after a restart.
    @Test(arguments: [true, false])
    func manySessions(allInMemory: Bool) async throws {
        let count = Self.setting("SESSIONS", 3000)
        try await withTestFolder { folder in
            let settings = [
                "SIDECAR_TENANT_URL": "https://127.0.0.1:1", "SIDECAR_ACCESS_TOKEN": "none",
                "SIDECAR_STORE_URL": "sqlite:\(folder)/s.db", "SIDECAR_LISTEN": "127.0.0.1:0",
                "SIDECAR_ADMIN_LISTEN": "127.0.0.1:0",
                "SIDECAR_CACHE_SESSIONS": allInMemory ? "\(count)" : "\(count / 10)",
            ]
            var report = ["\(count) sessions, \(allInMemory ? "all" : "a tenth") in memory:"]
            _ = try await Sidecar.with(settings) { sidecar in
                let before = try sidecar.program.footprint().resident
                let started = ContinuousClock.now
                try await Self.eachOf(count, sidecar) { client, number in
                    let body = #"{"session_token":"\#(Self.token(number))","device_fingerprint":"fp-\#(number)"}"#
                    let answer = try await client.send("PUT", Self.path(number), body: bytes(body))
                    #expect(answer.status == 204)
                }
                let after = try sidecar.program.footprint().resident
                report.append("stored in \(ContinuousClock.now - started)")
                report.append("\((after - before) * 1024 / count) bytes resident each")
                report.append("in memory \(try await Self.lookUp(count - 1000..<count, sidecar))")
                report.append("old ones \(try await Self.lookUp(0..<1000, sidecar))")
            }
            let restarted = ContinuousClock.now
            _ = try await Sidecar.with(settings) { sidecar in
                report.append("ready again after \(ContinuousClock.now - restarted)")
                report.append("from the store \(try await Self.lookUp(count / 2..<count / 2 + 1000, sidecar))")
                report.append("\(try sidecar.program.footprint().resident / 1024) MiB resident")
            }
            let size = try FileManager.default.attributesOfItem(atPath: folder + "/s.db")[.size] as? Int ?? 0
            report.append("\(size / count) bytes on disk each")
            print(report.joined(separator: "\n  "))
        }
    }

    /// 16 connections share the numbers.
    private static func eachOf(
        _ count: Int, _ sidecar: Sidecar,
        _ body: @escaping @Sendable (inout KeepAliveClient, Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<16 {
                group.addTask {
                    try await KeepAliveClient.with(port: sidecar.port) { client in
                        for number in stride(from: worker, to: count, by: 16) { try await body(&client, number) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// One after the other.
    private static func lookUp(_ numbers: Range<Int>, _ sidecar: Sidecar) async throws -> String {
        try await KeepAliveClient.with(port: sidecar.port) { client in
            var times: [Duration] = []
            for number in numbers {
                let started = ContinuousClock.now
                let answer = try await client.send("GET", Self.path(number))
                times.append(ContinuousClock.now - started)
                #expect(answer.status == 200 && text(answer.body).contains(Self.token(number)))
            }
            times.sort()
            return "found in \(times[times.count / 2]), p99 \(times[times.count * 99 / 100])"
        }
    }

    /// Short token lives make hours of minutes: apps that follow their own token, apps that never look at it, tickets and the
    /// background's refreshes, all mixed. No token is presented twice, nobody is logged out, and nothing grows.
    @Test func soak() async throws {
        let (seconds, users) = (Self.setting("SOAK_SECONDS", 8), 100)
        let options = ["--session-life", "20", "--access-token-life", "10"]
        try await Tenant.with(options) { tenant in
            try await withTestFolder { folder in
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/s.db").merging([
                    "SIDECAR_KEEP_FRESH": "1h", "SIDECAR_REFRESH_AHEAD": "3s",
                ]) { $1 }
                _ = try await Sidecar.with(settings) { sidecar in
                    let end = ContinuousClock.now + .seconds(seconds)
                    let requests = NIOLockedValueBox(0)
                    let prints = NIOLockedValueBox<[Program.Footprint]>([])
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number in 0..<users {
                            group.addTask {
                                try await Self.live("user\(number)", tenant, sidecar, until: end, requests)
                            }
                        }
                        group.addTask {
                            while ContinuousClock.now < end {
                                try await Task.sleep(for: .seconds(max(1, seconds / 30)))
                                let now = try sidecar.program.footprint()
                                prints.withLockedValue { $0.append(now) }
                            }
                        }
                        try await group.waitForAll()
                    }
                    let footprints = prints.withLockedValue { $0 }
                    let threads = footprints.map(\.threads)
                    let descriptors = footprints.map(\.descriptors)
                    print(
                        """
                        soak of \(seconds) s: \(requests.withLockedValue { $0 }) requests, \
                        \(try await tenant.counters()["refreshes"] ?? 0) refreshes, \
                        resident KiB \(footprints.map(\.resident)), threads \(threads.min() ?? 0)...\(threads.max() ?? 0), \
                        descriptors \(descriptors.min() ?? 0)...\(descriptors.max() ?? 0)
                        """)
                }
            }
            try await tenant.expectCleanCounters()
        }
    }

    private struct Refreshed: Decodable { let sessionToken: String }

    private static func live(
        _ user: String, _ tenant: Tenant, _ sidecar: Sidecar, until end: ContinuousClock.Instant,
        _ requests: NIOLockedValueBox<Int>
    ) async throws {
        var token = try await tenant.open(user, fingerprint: "fp-\(user)")
        try await KeepAliveClient.with(port: sidecar.port) { client in
            let put = try await client.send(
                "PUT", path(user),
                body: bytes(#"{"session_token":"\#(token)","expire":20,"device_fingerprint":"fp-\#(user)"}"#))
            #expect(put.status == 204)
            while ContinuousClock.now < end {
                // A few a second, at moments of its own.
                try await Task.sleep(for: .milliseconds(Int.random(in: 50...500)))
                let answer =
                    switch Int.random(in: 0..<8) {
                    case 0:
                        try await client.send(
                            "POST", "/api/v2/tenant/sso/session-token/refresh", user: user,
                            body: bytes(#"{"session_token":"\#(token)"}"#))
                    case 1: try await client.send("GET", path(user))
                    case 2...4:
                        // With whatever token it had last.
                        try await client.send(
                            "POST", "/api/v2/tenant/sso/session-token/sso-ticket",
                            body: bytes(#"{"session_token":"\#(token)"}"#))
                    default:
                        try await client.send(
                            "POST", "/api/v2/tenant/sso/session-token/sso-ticket", user: user, body: bytes("{}"))
                    }
                try #require(answer.status == 200, "\(user): \(text(answer.body))")
                requests.withLockedValue { $0 += 1 }
                if let next = try? Tenant.decoder.decode(Refreshed.self, from: Data(answer.body)).sessionToken {
                    token = next
                }
            }
        }
    }

    private static func path(_ user: String) -> String { "/sidecar/v1/users/\(user)/session-token" }
}
