// SIGKILL at every step of a rotation and at random moments: what was given out is never lost.

import FoundationEssentials
import NIOConcurrencyHelpers
import TestSupport
import Testing

@Suite(.serialized) struct CrashTests {
    private static let refresh = "/api/v2/tenant/sso/session-token/refresh"

    /// Where the process dies.
    enum Step: String, CaseIterable, Sendable {
        case beforeIntent = "before the intent is written"
        case afterIntent = "after the intent is written"
        case afterSending = "after sending, the tenant has not processed it"
        case afterProcessing = "after the tenant has processed it"
        case afterAnswer = "after the answer, in memory only"
        case beforeCommit = "before the commit"
        case afterCommit = "after the commit"
        case beforeAnswering = "before answering"

        /// The fail point in the process; nil where the tenant holds the request and the test kills.
        var failPoint: String? { self == .afterSending || self == .afterProcessing ? nil : "\(self)" }
        /// How the tenant parks the request.
        var fault: String? {
            switch self {
            case .afterSending: #"{"kind":"hold","path":"/api/v2/tenant/sso/","if_client_gone":"drop"}"#
            case .afterProcessing: #"{"kind":"hold-after","path":"/api/v2/tenant/sso/"}"#
            default: nil
            }
        }
    }

    /// What the next refresh of an app gets that still holds its last token, and how often the tenant saw a used one.
    private static let expected: [Step: (answer: String, presentations: Int, reuse: Int)] = [
        .beforeIntent: ("200, a new token", 1, 0), .afterIntent: ("200, a new token", 1, 0),
        .afterSending: ("200, a new token", 2, 0), .afterProcessing: ("502 SESSION_LOST", 2, 1),
        .afterAnswer: ("502 SESSION_LOST", 2, 1), .beforeCommit: ("502 SESSION_LOST", 2, 1),
        .afterCommit: ("200, the stored token again", 1, 0), .beforeAnswering: ("200, the stored token again", 1, 0),
    ]

    @Test func theMatrix() async throws {
        var rows: [String] = []
        for step in Step.allCases {
            let outcome = try await kill(at: step)
            let expected = try #require(Self.expected[step])
            #expect(outcome == expected, "\(step.rawValue)")
            rows.append("| \(step.rawValue) | \(outcome.answer) | \(outcome.presentations) | \(outcome.reuse) |")
        }
        print(rows.joined(separator: "\n"))
        let evidence = try Page.named("Evidence").text
        let missing = rows.filter { !evidence.contains($0) }
        #expect(missing.isEmpty, "the documentation does not say so")
    }

    private func kill(at step: Step) async throws -> (answer: String, presentations: Int, reuse: Int) {
        try await Tenant.with { tenant in
            try await withTestFolder { folder in
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/s.db")
                // A first life gives T1 out.
                let (given, _) = try await Sidecar.with(settings) { sidecar in
                    _ = try await sidecar.post(
                        "/api/v2/sdk/login", #"{"user_name":"alice","password":"demo-password"}"#)
                    return try await sidecar.post(Self.refresh).member("session_token")
                }
                let acknowledged = try #require(given)
                // The second dies while it refreshes; the app gets nothing.
                var second = settings
                second["CIAM_SIDECAR_FAIL_POINT"] = step.failPoint
                let (answer, end) = try await Sidecar.with(second) { sidecar in
                    if let fault = step.fault { _ = try await tenant.control("POST", "/faults", fault) }
                    async let refreshing = sidecar.post(Self.refresh)
                    if step.fault != nil {
                        try await tenant.parked()
                        sidecar.program.kill()
                    }
                    return try await refreshing
                }
                #expect(end.exitCode == nil && answer.exit != 0)
                if step.fault != nil { _ = try await tenant.control("POST", "/faults/release") }
                // The third: what was given out is there, and the app comes with it.
                let (outcome, _) = try await Sidecar.with(settings) { sidecar in
                    let again = try await sidecar.post(Self.refresh, #"{"session_token":"\#(acknowledged)"}"#)
                    if again.status != 200 {
                        return "\(again.status) \(again.member("error_code")?.dropFirst(8) ?? "")"
                    }
                    let newest = try await tenant.session("alice").sessionToken
                    #expect(again.member("session_token") == newest)
                    return try await tenant.counters()["refreshes"] == 2 && step.isAfterCommit
                        ? "200, the stored token again" : "200, a new token"
                }
                let session = try await tenant.session("alice")
                #expect(session.tokens.firstIndex(of: acknowledged) == 1)
                return (outcome, session.presentations["1"] ?? 0, try await tenant.counters()["reuse"] ?? -1)
            }
        }
    }

    /// Users follow their own token while the process is killed at random moments again and again. The tenant accepts the previous
    /// token for a while, as a tenant that knows about lost answers does: then no session may be lost at all.
    @Test(arguments: [30, 0])
    func randomKills(_ tenantGrace: Int) async throws {
        let kills = ProcessInfo.processInfo.environment["CRASH_KILLS"].flatMap { Int($0) } ?? 25
        let users = 20
        try await Tenant.with(["--previous-token-grace", String(tenantGrace)]) { tenant in
            try await withTestFolder { folder in
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/s.db").merging([
                    "SIDECAR_LOST_ANSWER_SETTLE": "100ms"
                ]) { $1 }
                let held = NIOLockedValueBox<[String: String]>([:])
                let lost = NIOLockedValueBox(0)
                var generator = SystemRandomNumberGenerator()
                for life in 0...kills {
                    let more = Int.random(in: 1...60, using: &generator)
                    let (answers, served) = (Gate(), Gate())
                    _ = try await Sidecar.with(settings) { sidecar in
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            for number in 0..<users {
                                let user = "user\(number)"
                                group.addTask {
                                    try await Self.follow(
                                        user, sidecar, tenant, held, lost, answers, served,
                                        rounds: life == kills ? 3 : Int.max)
                                }
                            }
                            if life < kills {
                                // Everybody has an answer first: two lost answers in a row end a session by rule.
                                await served.wait(for: users)
                                await answers.wait(for: answers.count + more)
                                sidecar.program.kill()
                            }
                            try await group.waitForAll()
                        }
                    }
                }
                if tenantGrace > 0 { #expect(lost.withLockedValue { $0 } == 0) }
                let counters = try await tenant.counters()
                print(
                    "random kills: \(kills), refreshes \(counters["refreshes"] ?? 0), sessions lost \(lost.withLockedValue { $0 })"
                )
                // What is lost is only what the tenant rotated without its answer reaching us, and each is reported as such.
                #expect(counters["reuse"] == lost.withLockedValue { $0 })
                #expect(counters["concurrent_presentations"] == 0 && counters["fingerprint_mismatches"] == 0)
            }
        }
    }

    /// One app: follows its own token until the process dies. A lost session is opened anew, as a login would.
    private static func follow(
        _ user: String, _ sidecar: Sidecar, _ tenant: Tenant, _ held: NIOLockedValueBox<[String: String]>,
        _ lost: NIOLockedValueBox<Int>, _ answers: Gate, _ served: Gate, rounds: Int
    ) async throws {
        struct Answer: Decodable { let sessionToken: String }
        do {
            try await KeepAliveClient.with(port: sidecar.port) { client in
                var round = 0
                while round < rounds {
                    guard let token = held.withLockedValue({ $0[user] }) else {
                        let fresh = try await tenant.open(user, fingerprint: "fp-\(user)")
                        let put = try await client.send(
                            "PUT", "/sidecar/v1/users/\(user)/session-token",
                            body: bytes(#"{"session_token":"\#(fresh)","device_fingerprint":"fp-\#(user)"}"#))
                        if put.status == 204 { held.withLockedValue { $0[user] = fresh } }
                        continue
                    }
                    let answer = try await client.send(
                        "POST", refresh, user: user, body: bytes(#"{"session_token":"\#(token)"}"#))
                    answers.signal()
                    round += 1
                    if round == 1 { served.signal() }
                    if answer.status == 200 {
                        let next = try Tenant.decoder.decode(Answer.self, from: Data(answer.body)).sessionToken
                        held.withLockedValue { $0[user] = next }
                    } else {
                        #expect(answer.status == 502, "\(text(answer.body))")
                        lost.withLockedValue { $0 += 1 }
                        held.withLockedValue { $0[user] = nil }
                    }
                }
            }
        } catch {
            // The process is gone; the app comes back in its next life.
            answers.signal()
        }
    }
}

extension CrashTests.Step {
    fileprivate var isAfterCommit: Bool { self == .afterCommit || self == .beforeAnswering }
}
