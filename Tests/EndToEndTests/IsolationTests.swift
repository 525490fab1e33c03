// Many users on the same connections, with every kind of call mixed: nothing of one ever goes out for another.

import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct IsolationTests {
    private static let users = 24
    private static let workers = 16
    /// Calls of one worker.
    private static let calls = 90
    private static let session = "/api/v2/tenant/sso/session-token/"
    /// Says for whom the app made a call; the tenant finds out by the call's own secrets whose it is.
    private static let marker = "X-Test-User"

    /// What an answer holds, as far as it is looked at.
    private struct Answer: Decodable {
        var sessionToken: String?
        var ssoTicket: String?
        var userName: String?
        var headers: [[String]]?
        var data: Wrapped?
        struct Wrapped: Decodable { let user: Profile }
        struct Profile: Decodable { let userName: String }
    }

    @Test(arguments: [("ciam", "1.1"), ("oneaccess", "2")])
    func nothingCrossesUsers(_ profile: String, _ version: String) async throws {
        try await Tenant.with(["--shape", profile]) { tenant in
            let settings = Sidecar.settings(tenant).merging([
                "SIDECAR_PROFILE": profile, "SIDECAR_UPSTREAM_HTTP": version,
            ]) { $1 }
            let overtaken = Gate()
            _ = try await Sidecar.with(settings) { sidecar in
                try await KeepAliveClient.with(port: sidecar.port) { client in
                    for number in 0..<Self.users { try await Self.logIn("user\(number)", &client) }
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<Self.workers {
                        group.addTask {
                            try await Self.work(sidecar.port, SeededGenerator(seed: UInt64(worker)), overtaken)
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await Self.expectNothingCrossed(tenant, overtaken: overtaken.count)
        }
    }

    private static func logIn(_ user: String, _ client: inout KeepAliveClient) async throws {
        let answer = try await call(
            "POST", "/api/v2/sdk/login", user, #"{"user_name":"\#(user)","password":"demo-password"}"#, &client,
            ["X-device-fingerprint": "fp-\(user)"])
        #expect(answer.sessionToken != nil)
    }

    private static func call(
        _ method: String, _ path: String, _ user: String, _ body: String, _ client: inout KeepAliveClient,
        _ fields: KeyValuePairs<String, String> = [:]
    ) async throws -> Answer {
        let answer = try await send(method, path, user, body, &client, fields)
        #expect(answer.status == 200, "\(method) \(path) \(user): \(answer.status) \(text(answer.body))")
        return (try? Tenant.decoder.decode(Answer.self, from: Data(answer.body))) ?? Answer()
    }

    /// As it came, whatever its status.
    private static func send(
        _ method: String, _ path: String, _ user: String, _ body: String, _ client: inout KeepAliveClient,
        _ fields: KeyValuePairs<String, String> = [:]
    ) async throws -> KeepAliveClient.Answer {
        var all: [(String, String)] = [(marker, user), ("Cookie", "app=\(user)"), ("Content-Type", "application/json")]
        all += fields.map { ($0.key, $0.value) }
        return try await client.send(method, path, user: user, fields: all, body: bytes(body))
    }

    /// Nil when others have replaced the user's session twice while the call was on its way: it goes out once more and not again
    /// (contract 7.5).
    private static func ticket(of user: String, _ client: inout KeepAliveClient) async throws -> String? {
        let answer = try await send("POST", session + "sso-ticket", user, "{}", &client)
        let body = text(answer.body)
        if answer.status == 400, body.contains("IDAAS.SDK.PARAM.0023") { return nil }
        #expect(answer.status == 200, "sso-ticket \(user): \(answer.status) \(body)")
        let ticket = try Tenant.decoder.decode(Answer.self, from: Data(answer.body)).ssoTicket
        #expect(ticket != nil)
        return ticket
    }

    /// One app's worker: a connection of its own, another user with every call.
    private static func work(_ port: Int, _ seeded: SeededGenerator, _ overtaken: Gate) async throws {
        var random = seeded
        try await KeepAliveClient.with(port: port) { client in
            for _ in 0..<calls {
                let user = "user\(Int.random(in: 0..<users, using: &random))"
                switch Int.random(in: 0..<9, using: &random) {
                case 0: _ = try await call("POST", session + "refresh", user, "{}", &client)
                case 1, 2:
                    guard let ticket = try await ticket(of: user, &client) else {
                        overtaken.signal()
                        continue
                    }
                    let verified = try await call(
                        "POST", "/api/v2/tenant/sso/sso-ticket/verify", user, #"{"sso_ticket":"\#(ticket)"}"#,
                        &client)
                    #expect((verified.userName ?? verified.data?.user.userName) == user)
                case 3:
                    let path = "/api/v2/sdk/sso/session-token/id-token"
                    _ = try await call("POST", path, user, "", &client)
                case 4: _ = try await call("GET", "/api/v2/sdk/social", user, "", &client)
                case 5: _ = try await call("POST", "/api/v2/sdk/profile/update", user, #"{"name":"n"}"#, &client)
                case 6:
                    let echo = try await call("GET", "/api/v2/sdk/echo", user, "", &client)
                    let sent = echo.headers?.filter { $0[0].lowercased() == "x-device-fingerprint" }.map { $0[1] }
                    #expect(sent == ["fp-\(user)"])
                case 7: _ = try await call("PUT", "/api/v2/tenant/echo/\(user)", user, "body of \(user)", &client)
                default: try await logIn(user, &client)
                }
            }
        }
    }

    /// Whose a call was by its secrets, as the tenant found out, is whose the app meant it to be.
    /// - Parameter overtaken: how many calls for a ticket met a session that was replaced twice meanwhile.
    private static func expectNothingCrossed(_ tenant: Tenant, overtaken: Int) async throws {
        let all = try await Tenant.decoder.decode(
            [Tenant.Received].self, from: tenant.control("GET", "/requests?limit=20000"))
        let marked = all.filter { !$0.values(marker.lowercased()).isEmpty }
        #expect(marked.count > workers * calls / 2)
        for request in marked {
            let user = request.values(marker.lowercased())[0]
            if let owner = request.user { #expect(owner == user, "\(request.method) \(request.path)") }
            #expect(request.values("cookie") == ["app=\(user)"])
            let fingerprint = request.json["device_fingerprint"].map { [$0] } ?? request.values("x-device-fingerprint")
            #expect(fingerprint == ["fp-\(user)"] || (fingerprint.isEmpty && request.path.contains("tenant/echo")))
            if request.path.contains("tenant/echo") { #expect(request.body == "body of \(user)") }
            #expect(request.values("authorization").count <= 1)
        }
        // What the sidecar asked for by itself carries nothing of any app.
        for request in all where request.values(marker.lowercased()).isEmpty {
            #expect(request.values("cookie").isEmpty)
        }
        // Every kind was there, and the tenant knew the user of each that carries a secret.
        let secret = marked.filter { $0.user != nil }.map(\.outcome)
        for outcome in ["refreshed", "ticket", "verified", "id_token", "social", "updateProfile", "login"] {
            #expect(secret.contains(outcome), "\(outcome)")
        }
        // A call that was on its way while its token was replaced goes out once more with the new one; a refresh never does.
        try await tenant.expectCleanCounters(except: ["reuse"])
        let late = marked.filter { $0.outcome == "session_reused" }.map(\.path)
        // Each went out twice, each time with a token that had just been replaced; that is rare.
        #expect(overtaken * 2 <= late.count { $0.hasSuffix("/sso-ticket") } && overtaken <= 5, "\(overtaken)")
        #expect(late.allSatisfy { !$0.hasSuffix("/refresh") && !$0.hasSuffix("/id-token") })
        let counters = try await tenant.counters()
        #expect(counters["id_tokens_rejected"] == 0 && counters["envelopes_rejected"] == 0)
    }
}
