// How much load replicas make: a model, a simulation of the hours after everybody has logged in, and both held against real programs.

import FoundationEssentials
import TestSupport
import Testing

/// Replicas that share a store, and their users.
struct Deployment {
    var replicas: Int
    var users: Int
    /// Seconds that a session token lives.
    var life: Double
    /// Within so many seconds everybody logs in.
    var rush = 600.0

    /// Part of a token's life after which it is refreshed, on average: between 70 and 80 % (KeepFresh), drawn for each token.
    static let usedUp = 0.75

    /// Refreshes a second, once the logins are forgotten.
    var refreshes: Double { Double(users) / (life * Self.usedUp) }
    /// Scripts a second: one to begin, one to commit.
    var scripts: Double { 2 * refreshes }
    /// Messages a second that the server sends: each of the two writes to every replica.
    var messages: Double { scripts * Double(replicas) }
    /// Bytes in the server: a session, and a name for each token of the last day and of one life.
    var memory: Double {
        let tokens = min(1024, (86_400 + life) / (life * Self.usedUp))
        return Double(users) * (1000 + 240 * (1 + tokens))
    }

    /// Refreshes in every minute: each user's next one comes after 70 to 80 % of the life of the one before.
    /// Of very many users a part stands for all.
    func simulate(minutes: Int, seed: UInt64) -> [Double] {
        var random = SeededGenerator(seed: seed)
        var counts = [Double](repeating: 0, count: minutes)
        let simulated = min(users, 20_000)
        let share = Double(users) / Double(simulated)
        for _ in 0..<simulated {
            var moment = Double.random(in: 0..<rush, using: &random)
            while true {
                moment += life * Double.random(in: 0.7...0.8, using: &random)
                let minute = Int(moment / 60)
                guard minute < minutes else { break }
                counts[minute] += share
            }
        }
        return counts
    }
}

@Suite(.serialized) struct CapacityTests {
    private static let deployments = [
        Deployment(replicas: 2, users: 1000, life: 1800), Deployment(replicas: 3, users: 10_000, life: 1800),
        Deployment(replicas: 10, users: 100_000, life: 1800), Deployment(replicas: 10, users: 100_000, life: 43_200),
        Deployment(replicas: 20, users: 1_000_000, life: 43_200),
    ]

    private static func short(_ number: Double) -> String {
        number < 10 ? "\((number * 10).rounded() / 10)" : "\(Int(number.rounded()))"
    }

    /// The table of Capacity.md.
    @Test func theTable() throws {
        var rows: [String] = []
        for deployment in Self.deployments {
            // The first wave, and what is left of the waves after forty lives.
            let minutes = Int(deployment.life * 40 / 60)
            let counts = deployment.simulate(minutes: minutes, seed: 7)
            let first = (counts.prefix(minutes / 40).max() ?? 0) / 60
            let late = (counts.suffix(minutes / 40).max() ?? 0) / 60
            let cells = [
                "\(deployment.users)", "\(deployment.replicas)", "\(Int(deployment.life / 60)) min",
                Self.short(deployment.refreshes), Self.short(first), Self.short(late), Self.short(deployment.scripts),
                Self.short(deployment.messages), "\(Self.short(deployment.memory / 1_000_000)) MB",
            ]
            rows.append("| " + cells.joined(separator: " | ") + " |")
            // The waves flatten, and the model is what they flatten to.
            #expect(late < first)
            let tail = counts.suffix(minutes * 3 / 8)
            let mean = tail.reduce(0, +) / Double(tail.count) / 60
            #expect(abs(mean - deployment.refreshes) < deployment.refreshes * 0.05)
        }
        print(rows.joined(separator: "\n"))
        let page = try Page.named("Capacity").text
        let missing = rows.filter { !page.contains($0) }
        #expect(missing.isEmpty, "Capacity.md does not say so")
    }

    /// Two real sidecars and a real server: as many scripts and messages for a refresh as the model has, and as much memory.
    @Test func theModelIsWhatIsMeasured() async throws {
        try await Tenant.with { tenant in
            try await RedisServer.with { server in
                let common = Sidecar.settings(tenant, sharing: server)
                _ = try await Sidecar.with(common) { first in
                    _ = try await Sidecar.with(common) { second in
                        try await Self.measure(tenant, server, [first, second])
                    }
                }
            }
        }
    }

    private static func measure(_ tenant: Tenant, _ server: RedisServer, _ sidecars: [Sidecar]) async throws {
        let (users, rounds) = (300, 3)
        let before = try await number("used_memory:", "memory", server)
        try await KeepAliveClient.with(port: sidecars[0].port) { client in
            for number in 0..<users {
                let token = try await tenant.open("user\(number)", fingerprint: "fp")
                let put = try await client.send(
                    "PUT", "/sidecar/v1/users/user\(number)/session-token",
                    body: bytes(#"{"session_token":"\#(token)","device_fingerprint":"fp"}"#))
                #expect(put.status == 204)
            }
        }
        try await server.command("CONFIG", "RESETSTAT")
        let path = "/api/v2/tenant/sso/session-token/refresh"
        try await KeepAliveClient.with(port: sidecars[0].port) { client in
            for _ in 0..<rounds {
                for number in 0..<users {
                    let answer = try await client.send("POST", path, user: "user\(number)", body: bytes("{}"))
                    #expect(answer.status == 200)
                }
            }
        }
        let scripts = try await number("cmdstat_evalsha:calls=", "commandstats", server)
        // Scripts that the server sees for the first time go whole, after a try by name.
        #expect((2 * users * rounds...2 * users * rounds + 8).contains(scripts))
        let published = try await number("cmdstat_publish:calls=", "commandstats", server)
        #expect((2 * users * rounds...2 * users * rounds + 8).contains(published))
        let used = try await number("used_memory:", "memory", server) - before
        let modelled = Double(users) * (1000 + 240 * Double(1 + rounds))
        print(
            "capacity: \(used / users) bytes for a session with \(rounds) refreshes, the model says \(Int(modelled) / users)"
        )
        #expect(Double(used) < modelled * 1.5 && Double(used) > modelled * 0.5)
        let line = try await server.command("INFO", "commandstats").split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix("cmdstat_evalsha:") }
        print("capacity: \(line ?? "")")
    }

    private static func number(_ label: String, _ section: String, _ server: RedisServer) async throws -> Int {
        let lines = try await server.command("INFO", section).split(whereSeparator: \.isNewline)
        let line = try #require(lines.first { $0.hasPrefix(label) })
        return Int(line.dropFirst(label.count).prefix(while: \.isNumber)) ?? -1
    }
}
