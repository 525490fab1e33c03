// What well-known proxies got wrong with rotating tokens, each as a test of the real program against the strict tenant.

import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct KnownFailureTests {
    private static let refresh = "/api/v2/tenant/sso/session-token/refresh"
    private static let ticket = "/api/v2/tenant/sso/session-token/sso-ticket"
    private static let login = #"{"user_name":"alice","password":"demo-password"}"#

    /// A tenant, a sidecar, and alice logged in. Afterwards nothing was presented twice.
    private func scene(
        _ options: [String] = [], _ more: [String: String] = [:],
        _ body: (_ tenant: Tenant, _ sidecar: Sidecar, _ token: String) async throws -> Void
    ) async throws {
        try await Tenant.with(options) { tenant in
            try await withTestFolder { folder in
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/s.db").merging(more) { $1 }
                _ = try await Sidecar.with(settings) { sidecar in
                    let token = try await sidecar.post("/api/v2/sdk/login", Self.login).member("session_token")
                    try await body(tenant, sidecar, try #require(token))
                }
            }
        }
    }

    /// A lease of two seconds, and a tenant that takes longer: somebody presents the token a second time.
    @Test func aTenantSlowerThanAnyLease() async throws {
        try await scene { tenant, sidecar, token in
            _ = try await tenant.control("POST", "/faults", #"{"kind":"delay","ms":2500,"path":"\#(Self.refresh)"}"#)
            let answers = try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 0..<10 {
                    let body = number % 2 == 0 ? #"{"session_token":"\#(token)"}"# : "{}"
                    group.addTask { try await sidecar.post(Self.refresh, body).member("session_token") }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(answers.count == 1)
            #expect(try await tenant.counters()["refreshes"] == 1)
            try await tenant.expectCleanCounters()
        }
    }

    /// The refresh belongs to the caller's connection, and dies with it after the tenant has rotated.
    @Test func aClientThatDisconnectsDuringItsRefresh() async throws {
        try await scene { tenant, sidecar, token in
            _ = try await tenant.control("POST", "/faults", #"{"kind":"hold-after","path":"\#(Self.refresh)"}"#)
            let leaving = try await sidecar.curl([
                "--max-time", "5", "-H", "X-Sidecar-User: alice", "-H", "Content-Type: application/json", "-d", "{}",
                sidecar.url + Self.refresh,
            ])
            #expect(leaving.exit == 28)
            try await tenant.parked()
            _ = try await tenant.control("POST", "/faults/release")
            // The app comes again with the token it had: it gets the one that it has missed.
            let again = try await sidecar.post(Self.refresh, #"{"session_token":"\#(token)"}"#)
            #expect(try await again.member("session_token") == tenant.session("alice").sessionToken)
            #expect(try await tenant.counters()["refreshes"] == 1)
            try await tenant.expectCleanCounters()
        }
    }

    /// A call that is refused because the refresh beside it has used its token takes the winner's session down.
    @Test func theLosersRejectionDoesNotTouchTheWinnersToken() async throws {
        try await scene { tenant, sidecar, token in
            _ = try await tenant.control("POST", "/faults", #"{"kind":"hold","path":"\#(Self.ticket)"}"#)
            async let loser = sidecar.post(Self.ticket, #"{"session_token":"\#(token)"}"#)
            try await tenant.parked()
            let winner = try await sidecar.post(Self.refresh).member("session_token")
            _ = try await tenant.control("POST", "/faults/release")
            // The tenant refuses the old token; the call goes out again with the newest.
            #expect(try await loser.status == 200)
            let current = try await sidecar.curl([
                "-H", "Accept: text/plain", sidecar.url + "/sidecar/v1/users/alice/session-token",
            ])
            #expect(current.body == winner)
            #expect(try await sidecar.post(Self.refresh).status == 200)
        }
    }

    /// A 5xx after the tenant has rotated: it is looked once whether the token still works, then it is over; no loop.
    @Test func aServerErrorIsNotRetriedForEver() async throws {
        try await scene([], ["SIDECAR_LOST_ANSWER_SETTLE": "100ms"]) { tenant, sidecar, token in
            let failing = #"{"kind":"status-after","status":500,"path":"\#(Self.refresh)"}"#
            _ = try await tenant.control("POST", "/faults", failing)
            for _ in 0..<5 {
                let answer = try await sidecar.post(Self.refresh, #"{"session_token":"\#(token)"}"#)
                #expect(answer.status == 502 && answer.member("error_code") == "SIDECAR.SESSION_LOST")
            }
            #expect(try await tenant.session("alice").presentations["0"] == 2)
            // A login makes everything well.
            _ = try await sidecar.post("/api/v2/sdk/login", Self.login)
            #expect(try await sidecar.post(Self.refresh).status == 200)
        }
    }

    /// A 5xx of which the tenant has processed nothing costs nobody anything.
    @Test func aServerErrorBeforeTheRotationHeals() async throws {
        try await scene([], ["SIDECAR_LOST_ANSWER_SETTLE": "100ms"]) { tenant, sidecar, _ in
            let failing = #"{"kind":"status","status":503,"path":"\#(Self.refresh)"}"#
            _ = try await tenant.control("POST", "/faults", failing)
            #expect(try await sidecar.post(Self.refresh).status == 200)
            try await tenant.expectCleanCounters()
        }
    }

    /// The tenant asks to wait: so does the next refresh, and the app is told how long; what needs no refresh goes on.
    @Test func aTenantThatAsksToWait() async throws {
        try await scene { tenant, sidecar, token in
            let limiting = #"{"kind":"status","status":429,"retry_after":120,"path":"\#(Self.refresh)","count":-1}"#
            _ = try await tenant.control("POST", "/faults", limiting)
            #expect(try await sidecar.post(Self.refresh).status == 429)
            let second = try await sidecar.post(Self.refresh, #"{"session_token":"\#(token)"}"#)
            #expect(second.status == 429 && second.member("error_code") == "SIDECAR.RATE_LIMITED")
            #expect(try await sidecar.post(Self.ticket).status == 200)
            #expect(try await tenant.received().filter { $0.path == Self.refresh }.count == 1)
        }
    }

    /// The issuer of access tokens is down and the last one has ended: nothing is sent with it.
    @Test func anExpiredAccessTokenIsNotInjected() async throws {
        try await scene(["--access-token-life", "3"]) { tenant, sidecar, _ in
            let down = #"{"kind":"status","status":503,"path":"/api/v2/tenant/token","count":-1}"#
            _ = try await tenant.control("POST", "/faults", down)
            _ = try await tenant.control("POST", "/faults", down.replacing("tenant/token", with: "oauth2/token"))
            // The last call may be on its way when the token ends; that one the tenant refuses.
            var answer = try await sidecar.post(Self.ticket)
            while answer.status == 200 || answer.status == 400 { answer = try await sidecar.post(Self.ticket) }
            #expect(answer.status == 503 && answer.member("error_code") == "SIDECAR.NO_ACCESS_TOKEN")
            let calls = try await tenant.received().filter { $0.path == Self.ticket }.count
            #expect(try await sidecar.post(Self.ticket).status == 503)
            #expect(try await tenant.received().filter { $0.path == Self.ticket }.count == calls)
            #expect(try await tenant.counters()["bearer_rejected"] ?? 0 <= 1)
        }
    }

    /// Those who waited refresh again, one after the other, each with the token that the one before has just replaced.
    @Test func waitersDoNotRefreshOneAfterTheOther() async throws {
        try await scene { tenant, sidecar, token in
            _ = try await tenant.control("POST", "/faults", #"{"kind":"hold","path":"\#(Self.refresh)"}"#)
            let tokens = try await withThrowingTaskGroup(of: String?.self) { group in
                let ask: @Sendable () async throws -> String? = {
                    try await sidecar.post(Self.refresh, #"{"session_token":"\#(token)"}"#).member("session_token")
                }
                for _ in 0..<20 { group.addTask { try await ask() } }
                try await tenant.parked()
                _ = try await tenant.control("POST", "/faults/release")
                // And latecomers.
                for _ in 0..<20 { group.addTask { try await ask() } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(try await tokens == [tenant.session("alice").sessionToken])
            #expect(try await tenant.counters()["refreshes"] == 1)
        }
    }

    /// After a quiet hour everybody comes at once, and the token is about to end.
    @Test func aBurstAfterIdle() async throws {
        try await scene { tenant, sidecar, token in
            let handed = try await sidecar.curl([
                "-X", "PUT", "-d", #"{"session_token":"\#(token)","expire":20}"#,
                sidecar.url + "/sidecar/v1/users/alice/session-token",
            ])
            #expect(handed.status == 204)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<40 {
                    let body = number % 2 == 0 ? #"{"session_token":"\#(token)"}"# : "{}"
                    group.addTask { try await sidecar.post(Self.ticket, body).status }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(try await tenant.counters()["refreshes"] == 1)
            try await tenant.expectCleanCounters()
        }
    }

    /// The machine sleeps while a refresh is at the tenant, longer than its answer takes, and wakes up.
    @Test func sleepAndResume() async throws {
        try await scene { tenant, sidecar, _ in
            _ = try await tenant.control("POST", "/faults", #"{"kind":"hold","path":"\#(Self.refresh)"}"#)
            async let refreshing = sidecar.post(Self.refresh)
            try await tenant.parked()
            sidecar.program.suspend()
            _ = try await tenant.control("POST", "/faults/release")
            while try await tenant.session("alice").tokens.count < 2 { await Task.yield() }
            sidecar.program.resume()
            #expect(try await refreshing.member("session_token") == tenant.session("alice").sessionToken)
            #expect(try await sidecar.post(Self.refresh).status == 200)
            try await tenant.expectCleanCounters()
        }
    }

    /// The wall clock jumps an hour and back: one refresh at most, and nobody waits for an hour.
    @Test(arguments: [3600, -3600])
    func aClockThatJumps(seconds: Int) async throws {
        try await withTestFolder { folder in
            let time = folder + "/time"
            let set: (Int) throws -> Void = { offset in
                try Data("\(offset < 0 ? "" : "+")\(offset)s\n".utf8).write(to: URL(filePath: time), options: .atomic)
            }
            try set(0)
            let faketime = [
                "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "FAKETIME_TIMESTAMP_FILE": time,
                "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            ]
            try await scene([], faketime) { tenant, sidecar, token in
                _ = try await sidecar.curl([
                    "-X", "PUT", "-d", #"{"session_token":"\#(token)","expire":1800}"#,
                    sidecar.url + "/sidecar/v1/users/alice/session-token",
                ])
                for offset in [seconds, 0] {
                    try set(offset)
                    for _ in 0..<10 { #expect(try await sidecar.post(Self.ticket).status == 200) }
                }
                #expect(try await tenant.counters()["refreshes"] == (seconds > 0 ? 1 : 0))
                #expect(try await sidecar.post(Self.refresh).status == 200)
                try await tenant.expectCleanCounters()
            }
        }
    }
}
