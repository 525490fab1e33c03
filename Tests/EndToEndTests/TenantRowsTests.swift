// Every row of the tenant's API goes through the sidecar once, in each edition.

import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct TenantRowsTests {
    /// How an edition is called by the sidecar, by the emulator, and in its S1.
    private static let editions = [
        ("ciam", "session-token"), ("eiam", "X-session-token"), ("oneaccess", "session-token"),
    ]
    private static let session = "/api/v2/tenant/sso/session-token/"
    private static let password = #""password":"demo-password""#
    private static let code = #""verify_code":"000000""#

    @Test(arguments: editions)
    func everyRow(_ profile: String, _ sessionField: String) async throws {
        try await Tenant.with(["--shape", profile]) { tenant in
            let settings = Sidecar.settings(tenant).merging(
                ["SIDECAR_PROFILE": profile, "SIDECAR_TOKEN_ENDPOINT": "placeholder"]) { $1 }
            _ = try await Sidecar.with(settings) { sidecar in
                try await tokenEndpoint(sidecar)
                try await logins(sidecar)
                try await tenantSession(sidecar)
                try await userCalls(sidecar, profile, sessionField)
            }
            let received = try await tenant.received()
            // What the tenant answered, but for what the sidecar asked by itself.
            let asked = ["token", "public_key", "server_date"]
            #expect(received.map(\.outcome).filter { !asked.contains($0) } == Self.outcomes(profile))
            #expect(received.filter { $0.outcome == "token" }.count == 1)
            try await tenant.expectCleanCounters()
            let counters = try await tenant.counters()
            #expect(counters["id_tokens_rejected"] == 0 && counters["envelopes_rejected"] == 0)
            if profile == "oneaccess" {
                #expect(received.filter { $0.outcome == "public_key" }.count == 1)
                #expect(received.filter { $0.outcome == "server_date" }.count == 1)
                #expect(
                    received.filter { $0.path.hasPrefix("/api/v2/tenant/sso/") }
                        .allSatisfy { $0.values("content-type") == ["application/json;charset=utf8"] })
            }
        }
    }

    private static func outcomes(_ profile: String) -> [String] {
        let logins =
            Array(repeating: "login", count: 9)
            + ["L10", "L11", "L12", "L13", "L14", "L15"].flatMap { _ in ["login_flow", "login"] }
        let calls = [
            "id_token", "id_token_alone", "profile", "updateProfile", "updateMobile", "changePassword",
            "updatePasswordByMobile", "social", "unbindSocial", "logout",
        ]
        return logins + ["refreshed", "ticket", "verified", "login"] + calls
    }

    /// T1: the app gets a worthless token, the tenant one request, from the sidecar, when it is needed.
    private func tokenEndpoint(_ sidecar: Sidecar) async throws {
        let answer = try await sidecar.curl([
            "-d", "grant_type=client_credentials&client_id=x&client_secret=y", sidecar.url + "/api/v2/tenant/token",
        ])
        #expect(answer.status == 200 && answer.member("access_token") == "sidecar-placeholder-token")
    }

    private func logins(_ sidecar: Sidecar) async throws {
        let plain = [
            ("login", #"{"user_name":"l1",\#(Self.password)}"#),
            ("login/auth", #"{"user_name":"l2",\#(Self.password)}"#),
            ("login/mobile-verify-code", #"{"mobile":"l3",\#(Self.code)}"#),
            ("login/email-verify-code", #"{"email":"l4",\#(Self.code)}"#),
            ("login/wechat", #"{"code":"l5"}"#), ("login/wechat-miniprogram", #"{"code":"l6"}"#),
            ("login/wechat-mini-program-mobile", #"{"code":"l7"}"#), ("login/apple", #"{"code":"l8"}"#),
            ("v3:login/alipay", #"{"code":"l9"}"#),
        ]
        for (index, (path, body)) in plain.enumerated() {
            let version = path.hasPrefix("v3:") ? "v3" : "v2"
            let path = "/api/\(version)/sdk/\(path.split(separator: ":").last ?? "")"
            try await expectLogin(sidecar, "l\(index + 1)", try await sidecar.post(path, user: "l\(index + 1)", body))
        }
        // A flow ends in the call that carries its state token.
        let flows: [(row: Int, begin: String, path: String, body: String?)] = [
            (10, "unbound", "social/bind", #"{"mobile":"l10",\#(Self.code)}"#),
            (11, "new", "social/register-bind", #"{"email":"l11",\#(Self.code)}"#),
            (12, "warned", "pwd/skip-update", nil),
            (13, "expired", "pwd/update", #"{"old_password":"demo-password","new_password":"n"}"#),
            (14, "mfa", "mfa/sms", #"{"mobile":"1",\#(Self.code)}"#),
            (15, "mfa", "mfa/email", #"{"email":"e",\#(Self.code)}"#),
        ]
        for flow in flows {
            let user = "l\(flow.row)"
            let begun = try await sidecar.post(
                "/api/v2/sdk/login", user: user, #"{"user_name":"\#(flow.begin)-\#(user)",\#(Self.password)}"#)
            let state = try #require(begun.member("state_token"))
            #expect(begun.member("session_token") == nil)
            let unknown = try await sidecar.curl(["\(sidecar.url)/sidecar/v1/users/\(user)/session-token"])
            #expect(unknown.status == 404)
            let body = flow.body.map { ["-H", "Content-Type: application/json", "-d", $0] } ?? []
            let answer = try await sidecar.curl(
                ["-H", "X-Sidecar-User: \(user)", "-H", "X-state-token: \(state)"] + body
                    + [sidecar.url + "/api/v2/sdk/" + flow.path])
            try await expectLogin(sidecar, user, answer)
        }
    }

    /// The app has a token, and the sidecar has it too.
    private func expectLogin(_ sidecar: Sidecar, _ user: String, _ answer: Curl.Answer) async throws {
        let token = try #require(answer.member("session_token"), "\(user): \(answer.status) \(answer.body)")
        let known = try await sidecar.curl([
            "-H", "Accept: text/plain", "\(sidecar.url)/sidecar/v1/users/\(user)/session-token",
        ])
        #expect(known.body == token)
    }

    private func tenantSession(_ sidecar: Sidecar) async throws {
        let refreshed = try await sidecar.post(Self.session + "refresh", user: "l1")
        #expect(refreshed.member("session_token") != nil)
        let ticket = try #require(
            try await sidecar.post(Self.session + "sso-ticket", user: "l1").member("sso_ticket"))
        let verified = try await sidecar.post(
            "/api/v2/tenant/sso/sso-ticket/verify", user: "l1", #"{"sso_ticket":"\#(ticket)"}"#)
        #expect(verified.status == 200 && verified.body.contains(#""userName":"l1""#))
    }

    /// An edition that has no proof of its own for a row gets the app's.
    private func userCalls(_ sidecar: Sidecar, _ profile: String, _ sessionField: String) async throws {
        let login = try await sidecar.post("/api/v2/sdk/login", user: "u", #"{"user_name":"u",\#(Self.password)}"#)
        let token = try #require(login.member("session_token"))
        let exchanged = try await sidecar.curl([
            "-X", "POST", "-H", "X-Sidecar-User: u", "-H", "\(sessionField): \(token)",
            sidecar.url + "/api/v2/sdk/sso/session-token/id-token",
        ])
        let idToken = try #require(exchanged.member("id_token"), "\(exchanged.body)")
        let offered = [
            "ciam": ["S5", "S6", "S7", "S8", "S9", "S10"], "eiam": [],
            "oneaccess": ["S2", "S3", "S4", "S5", "S9", "S10"],
        ]
        let rows: [(row: String, path: String, body: String?)] = [
            ("S2", "session-token/refresh-id-token", ""), ("S4", "profile", nil),
            ("S5", "profile/update", #"{"name":"n"}"#),
            ("S6", "profile/update-mobile", #"{"mobile":"1",\#(Self.code)}"#),
            ("S7", "pwd/change", #"{"old_password":"demo-password","new_password":"n"}"#),
            ("S8", "pwd/update-by-mobile", "{}"),
            ("S9", "social", nil), ("S10", "social/unbind-account", #"{"id":"1"}"#), ("S3", "logout", nil),
        ]
        for row in rows {
            let isOffered = offered[profile]?.contains(row.row) == true
            let proof = isOffered ? [] : ["-H", "Authorization: Bearer \(idToken)"]
            let body = row.body.map { ["-H", "Content-Type: application/json", "-d", $0] } ?? []
            let answer = try await sidecar.curl(
                ["-H", "X-Sidecar-User: u"] + proof + body + [sidecar.url + "/api/v2/sdk/" + row.path])
            #expect(answer.status == 200, "\(row.row): \(answer.body)")
            switch row.row {
            case "S2": #expect(answer.member("id_token") != nil)
            case "S4": #expect(answer.member("userName") == "u")
            case "S9": #expect(answer.body.contains("WECHAT"))
            default: #expect(answer.body.isEmpty)
            }
        }
    }
}
