// The tenant's contract as data: routes, answers, refusals.

import JSONText
import Model
import Tenant
import TestSupport
import Testing

struct RouteTableTests {
    private let table = RouteTable(profile: .ciam, passthrough: [bytes("/api/v1/oauth2/")])

    private func row(_ method: String, _ path: String) -> String? {
        guard case .route(let route) = table.match(method: bytes(method), path: bytes(path)) else { return nil }
        return route.row
    }

    @Test(arguments: [
        ("POST", "/api/v2/tenant/sso/session-token/refresh", "T2"),
        ("POST", "/api/v2/tenant/sso/session-token/sso-ticket", "T3"),
        ("POST", "/api/v2/tenant/sso/sso-ticket/verify", "T4"),
        ("GET", "/api/v2/tenant/sso/session-token/refresh", "tenant"),
        ("POST", "/api/v2/tenant/users", "tenant"),
        ("POST", "/api/v2/sdk/login", "L1"), ("GET", "/api/v2/sdk/pwd/skip-update", "L12"),
        ("POST", "/api/v3/sdk/login/alipay", "L9"),
        ("GET", "/api/v2/sdk/server-date", "sdk"), ("GET", "/api/v1/oauth2/userinfo", "passthrough"),
    ])
    func rows(_ method: String, _ path: String, _ expected: String) { #expect(row(method, path) == expected) }

    @Test(arguments: [
        "/", "/api/v2/tenant", "/api/v2/tenantx/a", "/API/v2/tenant/a", "/api/v1/oauth2", "/sidecar",
        "/api/v3/tenant/a",
    ])
    func noRow(_ path: String) { #expect(table.match(method: bytes("POST"), path: bytes(path)) == .none) }

    @Test func theTokenEndpointIsTheSidecarsAlone() {
        for method in ["POST", "GET"] {
            #expect(table.match(method: bytes(method), path: bytes("/api/v2/tenant/token")) == .tokenEndpoint)
        }
    }

    @Test func onlyTheTenantFamilyGetsTheAccessToken() {
        for path in ["/api/v2/sdk/login", "/api/v2/sdk/x", "/api/v3/sdk/x", "/api/v1/oauth2/x"] {
            guard case .route(let route) = table.match(method: bytes("POST"), path: bytes(path)) else {
                Issue.record("no route for \(path)")
                continue
            }
            #expect(route.family != .tenant)
        }
    }
}

struct RouteListingTests {
    private let lines = RouteListing.markdown.split(separator: "\n").dropFirst(2).map(String.init)

    private func line(_ row: String) -> String? { lines.first { $0.hasPrefix("| \(row) |") } }

    @Test func everyRowIsThereOnce() {
        let rows = ["T2", "T3", "T4"] + (1...15).map { "L\($0)" } + (1...10).map { "S\($0)" }
        for row in rows + ["tenant", "sdk", "passthrough"] {
            #expect(lines.count { $0.hasPrefix("| \(row) |") } == 1, "\(row)")
        }
        #expect(lines.count == rows.count + 4)
    }

    @Test func rowsSayWhatIsAdded() {
        #expect(
            line("T2")
                == "| T2 | `POST /api/v2/tenant/sso/session-token/refresh` | `Bearer` and the access token | body | `session_token` in the body | replaced | when the credential was renewed |"
        )
        #expect(line("L1")?.hasSuffix("| the app's own | header |  | learned from the answer | never |") == true)
        #expect(line("S3")?.hasSuffix("| never |") == true)
        #expect(line("sdk")?.hasSuffix("| GET and HEAD when a kept connection broke |") == true)
    }

    @Test func editionsThatDifferAreNamed() {
        #expect(
            line("S1")?.contains("| `ciam`, `oneaccess`: header `session-token`; `eiam`: header `X-session-token` |")
                == true)
        #expect(line("S9")?.contains("`ciam`: buys the id_token") == true)
        #expect(line("S2")?.contains("`oneaccess`: sealed in `X-signature`") == true)
        #expect(line("T3")?.contains("`ciam`") == false)
    }
}

struct AnswerReadingTests {
    @Test(
        arguments: [
            (#"{"session_token":"T"}"#, nil), (#"{"session_token":"T","expire":43200}"#, 43_200),
            (#"{"session_token":"T","expire":"60"}"#, 60),
            (#"{"session_token":"T","expire":43200.9}"#, 43_200), (#"{"session_token":"T","expire":0}"#, nil),
            (#"{"session_token":"T","expire":-5}"#, nil), (#"{"session_token":"T","expire":"x"}"#, nil),
            (#"{"session_token":"T","expire":null}"#, nil),
            (#"{"session_token":"T","expire":1e300}"#, 366 * 86_400),
            (#"{"session_token":"T","expire":9223372036854775808}"#, 366 * 86_400),
            (#"{"session_token":"T","expire":-1e400}"#, nil), (#"{"session_token":"T","expire":{}}"#, nil),
        ] as [(String, Int?)])
    func lives(_ body: String, _ seconds: Int?) throws {
        let answer = try #require(SessionAnswer(body: bytes(body)))
        #expect(answer.life == seconds.map { .seconds($0) })
    }

    @Test(arguments: [
        "", "{}", "[]", "<html>", #"{"session_token":null}"#, #"{"session_token":""}"#, #"{"session_token":1}"#,
        #"{"session_token":["T"]}"#,
        #"{"session_token":"a b"}"#, #"{"session_token":"a\r\nX: y"}"#, #"{"session_token":"é"}"#,
        #"{"session_token":"a\u0000"}"#,
        #"{"session_token":"T","session_token":"U"}"#, #"{"session_token":"T""#,
        #"{"status":"MFA_AUTH","state_token":"x","data":"{\"session_token\":\"T\"}"}"#,
    ])
    func noSession(_ body: String) { #expect(SessionAnswer(body: bytes(body)) == nil) }

    @Test func aTokenOfAMegabyteIsNone() {
        #expect(
            SessionAnswer(body: bytes("{\"session_token\":\"" + String(repeating: "a", count: 1 << 20) + "\"}")) == nil)
    }

    @Test(arguments: [
        (#"{"access_token":"A","expires_in":1719}"#, 1719), (#"{"access_token":"A"}"#, 300),
        (#"{"access_token":"A","expires_in":"1719"}"#, 1719),
        (#"{"access_token":"A","expires_in":"soon"}"#, 300), (#"{"access_token":"A","expires_in":1e99}"#, 86_400),
        (#"{"access_token":"-DIkzM8n","expires_in":99999999}"#, 86_400),
    ])
    func accessTokens(_ body: String, _ seconds: Int) throws {
        #expect(try #require(TokenAnswer(body: bytes(body))).life == .seconds(seconds))
    }

    @Test(arguments: [
        "", "{}", #"{"access_token":"A","expires_in":0}"#, #"{"access_token":"A","expires_in":-1}"#,
        #"{"access_token":""}"#,
        #"{"access_token":"a b"}"#, #"{"error":"invalid_client"}"#,
    ])
    func noAccessToken(_ body: String) { #expect(TokenAnswer(body: bytes(body)) == nil) }
}

struct RefusalReadingTests {
    @Test(
        arguments: [
            (200, "{}", nil), (302, "", nil), (401, "", .accessToken),
            (401, #"{"error":"invalid_client"}"#, .accessToken),
            (400, #"{"error":"invalid_token","error_description":"Access token expired:abc"}"#, .accessToken),
            (400, #"{"error":"invalid_scope"}"#, .other),
            (400, #"{"error_code":"IDAAS.SDK.PARAM.0023"}"#, .deadSession),
            (400, #"{"error_code":"PARAM.0023","error_msg":"无效"}"#, .deadSession),
            (400, #"{"error_code":"IDAAS.SDK.PARAM.0001"}"#, .other),
            (403, #"{"error_code":"IDAAS.SDK.PARAM.0023"}"#, .other),
            (400, #"{"error_code":"OneAccess.1009"}"#, .failed),
            (400, #"{"error_code":"SDK.COMMON.1008"}"#, .failed), (500, "", .failed),
            (503, #"{"error":"invalid_token"}"#, .failed),
            (429, "", .other), (400, "<html>invalid_token", .other),
            (400, #"{"error_description":"invalid_token"}"#, .other),
            (400, #"{"error_msg":"IDAAS.SDK.PARAM.0023"}"#, .other),
        ] as [(Int, String, TenantRefusal?)])
    func classes(_ status: Int, _ body: String, _ expected: TenantRefusal?) {
        #expect(TenantRefusal(status: status, body: bytes(body), deadSessionCodes: ["PARAM.0023"]) == expected)
    }
}
