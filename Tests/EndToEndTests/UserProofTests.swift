// Calls of a user whose app sends no proof of its own: the sidecar has one, or gets one.

import TestSupport
import Testing

@Suite(.serialized) struct UserProofTests {
    private static let social = "/api/v2/sdk/social"
    private static let logout = "/api/v2/sdk/logout"

    private static func with(
        _ profile: String, _ body: (Tenant, Sidecar) async throws -> Void
    ) async throws {
        try await Tenant.with(["--shape", profile]) { tenant in
            let settings = Sidecar.settings(tenant).merging(["SIDECAR_PROFILE": profile]) { $1 }
            _ = try await Sidecar.with(settings) { sidecar in try await body(tenant, sidecar) }
            try await tenant.expectCleanCounters()
        }
    }

    /// What the tenant received, but for the sidecar's own fetch of an access token.
    private static func received(_ tenant: Tenant) async throws -> [Tenant.Received] {
        try await tenant.received().filter { $0.outcome != "token" }
    }

    private static func call(_ sidecar: Sidecar, _ path: String, user: String? = "alice", _ more: [String] = [])
        async throws -> Curl.Answer
    {
        try await sidecar.curl((user.map { ["-H", "X-Sidecar-User: \($0)"] } ?? []) + more + [sidecar.url + path])
    }

    /// The tenant opens a session elsewhere, and the app hands it over: there is no id_token with it.
    private static func handOver(_ tenant: Tenant, _ sidecar: Sidecar, user: String = "alice") async throws {
        let token = try await tenant.open(user, fingerprint: "phone")
        let answer = try await sidecar.curl([
            "-X", "PUT", "-d", #"{"session_token":"\#(token)","device_fingerprint":"phone"}"#,
            "\(sidecar.url)/sidecar/v1/users/\(user)/session-token",
        ])
        #expect(answer.status == 204)
    }

    @Test func thirtyCallersBuyOneIDToken() async throws {
        try await Self.with("ciam") { tenant, sidecar in
            try await Self.handOver(tenant, sidecar)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<30 { group.addTask { try await Self.call(sidecar, Self.social).status } }
                for try await status in group { #expect(status == 200) }
            }
            let counters = try await tenant.counters()
            #expect(counters["id_tokens"] == 1 && counters["user_calls"] == 30)
            // The session moved on, and everybody knows.
            #expect(try await tenant.session("alice").generation == 1)
            let current = try await Self.call(
                sidecar, "/sidecar/v1/users/alice/session-token", ["-H", "Accept: text/plain"])
            #expect(try await tenant.session("alice").sessionToken == current.body)
        }
    }

    @Test func anIDTokenThatTheTenantRefusesIsReplacedOnce() async throws {
        try await Self.with("ciam") { tenant, sidecar in
            try await Self.handOver(tenant, sidecar)
            #expect(try await Self.call(sidecar, Self.social).status == 200)
            _ = try await tenant.control("POST", "/id-tokens/expire")
            #expect(try await Self.call(sidecar, Self.social).status == 200)
            let outcomes = try await Self.received(tenant).map(\.outcome)
            #expect(outcomes == ["id_token", "social", "id_token_rejected", "id_token", "social"])
        }
    }

    /// What the app says of its user is not touched, and without a user there is nothing to offer.
    @Test func theAppsOwnProofPasses() async throws {
        try await Self.with("ciam") { tenant, sidecar in
            try await Self.handOver(tenant, sidecar)
            let own = try await Self.call(sidecar, Self.social, ["-H", "Authorization: Bearer own"])
            #expect(own.status == 400 && own.member("error_code") == "IDAAS.SDK.PARAM.0016")
            let nobody = try await Self.call(sidecar, Self.social, user: nil)
            #expect(nobody.status == 400 && nobody.member("error_code") == "IDAAS.SDK.PARAM.0016")
            let received = try await Self.received(tenant)
            #expect(received.map { $0.values("authorization") } == [["Bearer own"], []])
            let stranger = try await Self.call(sidecar, Self.social, user: "stranger")
            #expect(stranger.status == 404 && stranger.member("error_code") == "SIDECAR.SESSION_UNKNOWN")
            #expect(try await Self.received(tenant).count == 2)
        }
    }

    /// The tenant's clock and key are asked for once; neither this host's clock nor the wall matters.
    @Test func envelopesFollowTheTenantsClockAndKey() async throws {
        try await Self.with("oneaccess") { tenant, sidecar in
            _ = try await tenant.control("PUT", "/settings", #"{"clock_offset":86400}"#)
            try await Self.handOver(tenant, sidecar)
            for _ in 0..<3 { #expect(try await Self.call(sidecar, Self.social).status == 200) }
            _ = try await tenant.control("POST", "/envelope-key/replace")
            #expect(try await Self.call(sidecar, Self.social).status == 200)
            _ = try await tenant.control("PUT", "/settings", #"{"clock_offset":-86400}"#)
            #expect(try await Self.call(sidecar, Self.social).status == 200)
            let outcomes = try await Self.received(tenant).map(\.outcome)
            let facts = ["public_key", "server_date"]
            #expect(
                outcomes == facts + ["social", "social", "social", "envelope_rejected"] + facts
                    + ["social", "envelope_rejected"] + facts + ["social"])
        }
    }

    /// A logout is a GET that changes something: it is never sent again, but the next one is sealed anew.
    @Test func aLogoutIsNeverSentTwice() async throws {
        try await Self.with("oneaccess") { tenant, sidecar in
            try await Self.handOver(tenant, sidecar)
            #expect(try await Self.call(sidecar, Self.social).status == 200)
            _ = try await tenant.control("POST", "/envelope-key/replace")
            let refused = try await Self.call(sidecar, Self.logout)
            #expect(refused.status == 400 && refused.member("error_code") == "PARAM.0030")
            #expect(try await Self.call(sidecar, Self.logout).status == 200)
            let outcomes = try await Self.received(tenant).map(\.outcome).suffix(4)
            #expect(outcomes == ["envelope_rejected", "public_key", "server_date", "logout"])
        }
    }

    @Test func theAppsOwnEnvelopePasses() async throws {
        try await Self.with("oneaccess") { tenant, sidecar in
            try await Self.handOver(tenant, sidecar)
            let own = try await Self.call(sidecar, Self.social, ["-H", "X-signature: bm90IHNlYWxlZA=="])
            #expect(own.status == 400 && own.member("error_code") == "PARAM.0030")
            let received = try await Self.received(tenant)
            #expect(received.map { $0.values("x-signature") } == [["bm90IHNlYWxlZA=="]])
        }
    }
}
