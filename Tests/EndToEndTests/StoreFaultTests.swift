// A disk that fails while the sidecar runs: real system calls answered with EIO.

import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct StoreFaultTests {
    private static let refresh = "/api/v2/tenant/sso/session-token/refresh"

    /// One commit after a 200 of the tenant fails and so do the next writes. The app still gets its token, the process is unready and
    /// begins no refresh that it could not store, then heals by itself; what was given out survives a kill after that.
    @Test func aFailingSyncLosesNothing() async throws {
        try await Tenant.with { tenant in
            try await withTestFolder { folder in
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/s.db")
                _ = try await Sidecar.with(settings) { sidecar in
                    _ = try await sidecar.post(
                        "/api/v2/sdk/login", #"{"user_name":"alice","password":"demo-password"}"#)
                }
                let knife = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"]
                let injection = ["-e", "inject=fdatasync:error=EIO:when=8..12"]
                var given: [String] = []
                _ = try await Sidecar.with(settings, under: knife + injection) { sidecar in
                    var refused = 0
                    while refused < 2, given.count < 20 {
                        let answer = try await sidecar.post(Self.refresh)
                        if answer.status == 200 {
                            given.append(try #require(answer.member("session_token")))
                            continue
                        }
                        refused += 1
                        #expect(answer.status == 503 && answer.member("error_code") == "SIDECAR.STORE_UNAVAILABLE")
                        let ready = try await sidecar.admin("/readyz")
                        #expect(ready.status == 503 && ready.body.contains("the store does not take writes"))
                        // What needs no write goes on.
                        let ticket = try await sidecar.post("/api/v2/tenant/sso/session-token/sso-ticket")
                        #expect(ticket.status == 200)
                    }
                    #expect(refused == 2 && given.count > 2)
                    #expect(try await tenant.counters()["refreshes"] == given.count)
                    _ = await sidecar.program.lines.first { $0.contains("the store takes writes again") }
                    #expect(try await sidecar.admin("/readyz").status == 200)
                    given.append(try #require(try await sidecar.post(Self.refresh).member("session_token")))
                    // The process under the knife, not the knife.
                    let owner = text(Array(try #require(FileManager.default.contents(atPath: folder + "/s.db.lock"))))
                    _ = try await Programs.runToEnd("kill", ["-9", String(owner.dropLast())])
                }
                _ = try await Sidecar.with(settings) { sidecar in
                    let current = try await sidecar.curl([
                        "-H", "Accept: text/plain", sidecar.url + "/sidecar/v1/users/alice/session-token",
                    ])
                    #expect(current.body == given.last)
                    #expect(try await sidecar.post(Self.refresh).status == 200)
                }
            }
            try await tenant.expectCleanCounters()
        }
    }
}
