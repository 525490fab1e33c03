// A disk that fails while the sidecar runs: real system calls answered with the error of a broken, full or read-only disk.

import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct StoreFaultTests {
    private static let refresh = "/api/v2/tenant/sso/session-token/refresh"

    /// One commit after a 200 of the tenant fails and so do the next writes. The app still gets its token, the process is unready and
    /// begins no refresh that it could not store, then heals by itself; what was given out survives a kill after that.
    @Test(arguments: ["fdatasync EIO", "fdatasync ENOSPC", "pwrite64 ENOSPC", "pwrite64 EROFS"])
    func aFailingDiskLosesNothing(_ fault: String) async throws {
        let (call, error) = (String(fault.prefix { $0 != " " }), String(fault.drop { $0 != " " }.dropFirst()))
        try await Tenant.with { tenant in
            try await withTestFolder { folder in
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/s.db")
                _ = try await Sidecar.with(settings) { sidecar in
                    _ = try await sidecar.post(
                        "/api/v2/sdk/login", #"{"user_name":"alice","password":"demo-password"}"#)
                }
                // Long enough for a few commits and probes; a transaction is a few writes and one sync.
                let span = call == "fdatasync" ? "8..14" : "30..50"
                let knife = Programs.tracer(call, injecting: "error=\(error):when=\(span)")
                var given: [String] = []
                let (_, end) = try await Sidecar.with(settings, under: knife) { sidecar in
                    for _ in 0..<60 {
                        let answer = try await sidecar.post(Self.refresh)
                        if answer.status == 200 {
                            given.append(try #require(answer.member("session_token")))
                            continue
                        }
                        #expect(answer.status == 503 && answer.member("error_code") == "SIDECAR.STORE_UNAVAILABLE")
                        // What needs no write goes on.
                        let ticket = try await sidecar.post("/api/v2/tenant/sso/session-token/sso-ticket")
                        #expect(ticket.status == 200)
                        break
                    }
                    #expect(try await tenant.counters()["refreshes"] == given.count)
                    _ = await sidecar.program.lines.first { $0.contains("the store takes writes again") }
                    given.append(try #require(try await sidecar.post(Self.refresh).member("session_token")))
                    sidecar.program.kill()
                }
                #expect(end.lines.contains { $0.contains("could not be stored") || $0.contains("was not begun") })
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
