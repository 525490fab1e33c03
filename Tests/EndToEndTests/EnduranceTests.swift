// Many ends, many connections, a long time: small in every test run, large by a setting.

import FoundationEssentials
import NIOConcurrencyHelpers
import TestSupport
import Testing

@Suite(.serialized) struct EnduranceTests {
    private static let session = "/api/v2/tenant/sso/session-token/"

    /// A number from the environment.
    private static func setting(_ name: String, _ fallback: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? fallback
    }

    /// One call of a mixed load; all of them succeed while nothing is broken.
    private static func call(_ number: Int, _ user: String, _ client: inout KeepAliveClient) async throws
        -> KeepAliveClient.Answer
    {
        switch number % 6 {
        case 0: try await client.send("POST", session + "refresh", user: user, body: bytes("{}"))
        case 1, 2: try await client.send("POST", session + "sso-ticket", user: user, body: bytes("{}"))
        case 3: try await client.send("GET", "/sidecar/v1/users/\(user)/session-token")
        case 4:
            try await client.send(
                "PUT", "/api/v2/tenant/echo/\(user)", user: user, body: Array(repeating: 0x61, count: 20_000)
            )
        default: try await client.send("GET", "/api/v2/sdk/echo", user: user)
        }
    }

    private static func logIn(_ users: Int, _ port: Int) async throws {
        try await KeepAliveClient.with(port: port) { client in
            for number in 0..<users {
                let answer = try await logIn("user\(number)", &client)
                #expect(answer.status == 200)
            }
        }
    }

    private static func logIn(_ user: String, _ client: inout KeepAliveClient) async throws -> KeepAliveClient.Answer {
        try await client.send(
            "POST", "/api/v2/sdk/login", user: user, fields: [("Content-Type", "application/json")],
            body: bytes(#"{"user_name":"\#(user)","password":"demo-password"}"#))
    }

    // MARK: ends

    /// SIGTERM with 64 connections at work: every request that was sent is answered, the program ends clean.
    @Test func endsUnderLoad() async throws {
        let rounds = Self.setting("DRAINS", 3)
        try await Tenant.with { tenant in
            _ = try await tenant.control("PUT", "/settings", #"{"request_log":false}"#)
            for _ in 0..<rounds {
                let (answered, stopped) = (Gate(), NIOLockedValueBox<ContinuousClock.Instant?>(nil))
                let (lost, end) = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                    try await Self.logIn(16, sidecar.port)
                    return try await withThrowingTaskGroup(of: Int.self) { group in
                        for worker in 0..<64 {
                            group.addTask { try await Self.untilTheEnd(worker, sidecar.port, answered, stopped) }
                        }
                        group.addTask {
                            await answered.wait(for: 500)
                            stopped.withLockedValue { $0 = .now }
                            sidecar.program.stop()
                            return 0
                        }
                        return try await group.reduce(0, +)
                    }
                }
                #expect(
                    lost == 0 && end.exitCode == 0,
                    "\(lost) requests without an answer, exit \(String(describing: end.exitCode))")
            }
            try await tenant.expectCleanCounters(except: ["reuse"])
        }
    }

    /// Calls on one connection after another until nobody listens any more.
    /// - Returns: how many requests got no answer, but for those that were begun when idle connections have been closed already.
    private static func untilTheEnd(
        _ worker: Int, _ port: Int, _ answered: Gate, _ stopped: NIOLockedValueBox<ContinuousClock.Instant?>
    ) async throws -> Int {
        var number = worker
        while true {
            let inUse = NIOLockedValueBox<ContinuousClock.Instant?>(nil)
            do {
                try await KeepAliveClient.with(port: port) { client in
                    while true {
                        inUse.withLockedValue { $0 = .now }
                        let answer = try await client.send(
                            "POST", number % 3 == 0 ? session + "refresh" : session + "sso-ticket",
                            user: "user\(worker % 16)", body: bytes("{}"))
                        #expect(answer.status == 200, "\(text(answer.body))")
                        inUse.withLockedValue { $0 = nil }
                        number += 1
                        answered.signal()
                        if answer.closes { return }
                    }
                }
            } catch {
                // Nobody listens: it is over. Whatever else breaks in the middle of a request is a loss.
                guard let begun = inUse.withLockedValue({ $0 }) else { return 0 }
                return begun > stopped.withLockedValue { $0 ?? .now } + .seconds(1) ? 0 : 1
            }
        }
    }

    // MARK: connections

    /// Thousands of connections that do nothing, then callers that do everything slowly: honest callers go on as before.
    @Test func idleAndSlowConnections() async throws {
        let (idle, slow) = (Self.setting("CONNECTIONS", 1000), Self.setting("SLOW", 100))
        try await Tenant.with { tenant in
            _ = try await tenant.control("PUT", "/settings", #"{"request_log":false}"#)
            let settings = Sidecar.settings(tenant).merging(["SIDECAR_IDLE_TIMEOUT": "1h"]) { $1 }
            _ = try await Sidecar.with(settings) { sidecar in
                try await Self.logIn(8, sidecar.port)
                let alone = try await Self.honest(sidecar.port)
                var clients: [RawClient] = []
                for _ in 0..<idle { clients.append(try await RawClient.connect(port: sidecar.port)) }
                let crowded = try await Self.honest(sidecar.port)
                let footprint = try sidecar.program.footprint()
                let slowCallers = try await Self.slowCallers(slow, sidecar.port)
                let attacked = try await Self.honest(sidecar.port) {
                    for client in slowCallers.writers { try? await client.send(" ") }
                }
                for client in slowCallers.writers + slowCallers.readers { await client.close() }
                print(
                    "\(idle) idle connections: \(footprint.resident / 1024) MiB resident; p50 / p99 alone \(alone), beside them \(crowded), beside \(3 * slow) slow callers as well \(attacked)"
                )
                #expect(footprint.resident < 150 * 1024 && footprint.descriptors > idle)
                // They were only idle, not forgotten.
                for client in clients.prefix(50) {
                    try await client.send("GET /sidecar/v1/users/nobody HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    #expect(await client.receive(upTo: "\r\n\r\n").hasPrefix("HTTP/1.1 404 "))
                }
                for client in clients { await client.close() }
            }
        }
    }

    /// Eight callers, each as fast as it is answered.
    /// - Parameter now: what happens twenty times meanwhile, besides.
    private static func honest(_ port: Int, _ now: @escaping @Sendable () async -> Void = {}) async throws -> String {
        var times = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for worker in 0..<8 {
                group.addTask {
                    try await KeepAliveClient.with(port: port) { client in
                        var times: [Duration] = []
                        for number in 0..<200 {
                            let begun = ContinuousClock.now
                            let answer = try await call(number, "user\(worker)", &client)
                            #expect(answer.status == 200, "\(number % 6): \(text(answer.body))")
                            times.append(ContinuousClock.now - begun)
                            if worker == 0, number.isMultiple(of: 10) { await now() }
                        }
                        return times
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        times.sort()
        func shown(_ part: Int) -> String { "\(times[times.count * part / 100] / .microseconds(1) / 1000)" }
        return "\(shown(50)) / \(shown(99)) ms"
    }

    /// Callers that begin a head, and some that begin a body, and say a byte now and then; and some that never read their answer.
    private static func slowCallers(_ count: Int, _ port: Int) async throws
        -> (writers: [RawClient], readers: [RawClient])
    {
        let starts = [
            "GET /api/v2/tenant/echo HTTP/1.1\r\nX: ",
            "POST \(session)refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{",
        ]
        var (writers, readers) = ([RawClient](), [RawClient]())
        for _ in 0..<count {
            for start in starts { writers.append(try await RawClient.connect(port: port, first: start)) }
            readers.append(
                try await RawClient.connect(
                    port: port, reads: false, first: "GET /api/v2/tenant/echo HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        }
        return (writers, readers)
    }

    // MARK: time

    /// A mixed load with faults all the time: what the process takes of the machine stands still.
    @Test func faultSoak() async throws {
        let seconds = Self.setting("FAULT_SOAK_SECONDS", 10)
        let users = 40
        let kinds = [
            #"{"kind":"reset-before""#, #"{"kind":"truncate","bytes":3"#, #"{"kind":"status","status":503"#,
            #"{"kind":"delay","ms":500"#, #"{"kind":"drip","ms":1"#, #"{"kind":"raw","text":"nonsense\r\n\r\n""#,
        ]
        try await Tenant.with(["--previous-token-grace", "86400"]) { tenant in
            _ = try await tenant.control("PUT", "/settings", #"{"request_log":false}"#)
            try await withTestFolder { folder in
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/s.db").merging([
                    "SIDECAR_LOST_ANSWER_SETTLE": "50ms", "SIDECAR_UPSTREAM_TIMEOUT": "5s",
                ]) { $1 }
                _ = try await Sidecar.with(settings) { sidecar in
                    try await Self.logIn(users, sidecar.port)
                    let end = ContinuousClock.now + .seconds(seconds)
                    let (isOver, calls) = (NIOLockedValueBox(false), Gate())
                    let statuses = NIOLockedValueBox<[Int: Int]>([:])
                    let footprints = try await withThrowingTaskGroup(of: [Program.Footprint].self) { group in
                        for worker in 0..<8 {
                            group.addTask {
                                var number = worker
                                while !isOver.withLockedValue({ $0 }) {
                                    defer { calls.signal() }
                                    try? await KeepAliveClient.with(port: sidecar.port) { client in
                                        while !isOver.withLockedValue({ $0 }) {
                                            number += 1
                                            let user = "user\(number * 7 % users)"
                                            let answer = try await Self.call(number, user, &client)
                                            statuses.withLockedValue { $0[answer.status, default: 0] += 1 }
                                            calls.signal()
                                            // A fault has met the second presentation as well.
                                            if answer.isLoss { _ = try await Self.logIn(user, &client) }
                                        }
                                    }
                                }
                                return []
                            }
                        }
                        group.addTask {
                            defer { isOver.withLockedValue { $0 = true } }
                            var (footprints, number) = ([Program.Footprint](), 0)
                            // A slow machine gets its faults all the same.
                            while ContinuousClock.now < end || number < 60 {
                                number += 1
                                _ = try await tenant.control(
                                    "POST", "/faults", kinds[number % kinds.count] + #","path":"/api/v2/tenant/"}"#)
                                await calls.wait(for: number * 200)
                                if number.isMultiple(of: 5) { footprints.append(try sidecar.program.footprint()) }
                            }
                            return footprints
                        }
                        return try await group.reduce(into: []) { $0 += $1 }
                    }
                    let (early, late) = (footprints[footprints.count / 4], footprints[footprints.count - 1])
                    let faults = try await tenant.counters()["faults_fired"] ?? 0
                    print(
                        "\(seconds) s, \(faults) faults, answers by status \(statuses.withLockedValue { $0 }): \(early) to \(late)"
                    )
                    #expect(faults > seconds)
                    #expect(late.resident < early.resident + 8 * 1024)
                    #expect(late.descriptors < early.descriptors + 40 && late.threads <= early.threads + 2)
                    #expect((statuses.withLockedValue { $0[200] } ?? 0) > seconds)
                    _ = try await tenant.control("DELETE", "/faults")
                    // Everybody works again, or was lost by the rules: presented twice, and never more.
                    var lost = 0
                    for number in 0..<users {
                        let user = "user\(number)"
                        let presented = try await tenant.session(user).presentations.values.max()
                        let answer = try await KeepAliveClient.with(port: sidecar.port) { client in
                            try await client.send("POST", Self.session + "refresh", user: user, body: bytes("{}"))
                        }
                        if answer.isLoss { lost += 1 }
                        #expect(
                            answer.isLoss ? presented == 2 : answer.status == 200 && presented ?? 0 <= 2,
                            "\(text(answer.body)) after \(String(describing: presented))")
                    }
                    #expect(lost < users / 4)
                }
            }
        }
    }
}

extension KeepAliveClient.Answer {
    /// Whether both answers to a refresh were lost.
    fileprivate var isLoss: Bool { status == 502 && text(body).contains("SIDECAR.SESSION_LOST") }
}
