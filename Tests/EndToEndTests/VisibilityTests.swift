// What can be seen of a running sidecar: metrics, status, logs; and what cannot.

import FoundationEssentials
import Subprocess
import TestSupport
import Testing

struct VisibilityTests {
    private static let session = "/api/v2/tenant/sso/session-token/"

    /// Values by metric and labels, as they stand on the page.
    private func metrics(_ sidecar: Sidecar) async throws -> (page: String, values: [String: Double]) {
        let answer = try await sidecar.admin("/metrics")
        #expect(answer.status == 200)
        var values: [String: Double] = [:]
        for line in answer.body.split(separator: "\n") where !line.hasPrefix("#") {
            let space = try #require(line.lastIndex(of: " "))
            values[String(line[..<space])] = Double(line[line.index(after: space)...].replacing("+Inf", with: "inf"))
        }
        return (answer.body, values)
    }

    private func logIn(_ sidecar: Sidecar, _ user: String = "alice") async throws {
        let body = #"{"user_name":"\#(user)","password":"demo-password"}"#
        #expect(try await sidecar.post("/api/v2/sdk/login", user: user, body).status == 200)
    }

    // MARK: metrics

    @Test func metricsCountWhatHappens() async throws {
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                let before = try await metrics(sidecar).values
                #expect(before[#"sidecar_rotations_total{result="renewed"}"#] == 0)
                try await logIn(sidecar)
                let first = try await sidecar.post(Self.session + "refresh")
                _ = try await sidecar.post(Self.session + "refresh")
                let old = #"{"session_token":"\#(try #require(first.member("session_token")))"}"#
                #expect(try await sidecar.post(Self.session + "refresh", old).status == 200)
                _ = try await sidecar.post(Self.session + "sso-ticket")
                _ = try await sidecar.post("/api/v2/tenant/token")
                _ = try await sidecar.curl(["-H", "Host: evil.example", sidecar.url + "/"])
                _ = try await sidecar.curl([sidecar.url + "/sidecar/v1/users/nobody"])
                let fingerprint = #"{"device_fingerprint":"another"}"#
                _ = try await sidecar.post(Self.session + "sso-ticket", fingerprint)
                let (page, after) = try await metrics(sidecar)
                let expected: [String: Double] = [
                    #"sidecar_requests_total{route="L1",source="upstream",status="200"}"#: 1,
                    #"sidecar_requests_total{route="T2",source="upstream",status="200"}"#: 2,
                    #"sidecar_requests_total{route="T2",source="replay",status="200"}"#: 1,
                    #"sidecar_requests_total{route="T3",source="upstream",status="200"}"#: 2,
                    #"sidecar_requests_total{route="local",source="sidecar",status="404"}"#: 1,
                    #"sidecar_requests_total{route="none",source="sidecar",status="403"}"#: 1,
                    #"sidecar_requests_total{route="none",source="sidecar",status="421"}"#: 1,
                    #"sidecar_guard_refusals_total{reason="host_not_allowed"}"#: 1,
                    #"sidecar_guard_refusals_total{reason="path_not_allowed"}"#: 1,
                    #"sidecar_rotations_total{result="renewed"}"#: 2, "sidecar_rotation_replays_total": 1,
                    "sidecar_fingerprint_overrides_total": 1, "sidecar_superseded_tokens_total": 0,
                    #"sidecar_access_token_renewals_total{result="success",reason="none"}"#: 1,
                    #"sidecar_sessions{state="live"}"#: 1, #"sidecar_sessions{state="dead"}"#: 0,
                    #"sidecar_store_operations_total{operation="commit",result="success"}"#: 2,
                    "sidecar_rotation_duration_seconds_count": 2, "sidecar_in_flight": 0, "sidecar_ready": 1,
                    "sidecar_request_duration_seconds_count": 9,
                    #"sidecar_request_duration_seconds_bucket{le="+Inf"}"#: 9,
                    // T1, L1, two T2, two T3.
                    "sidecar_upstream_duration_seconds_count": 6, "sidecar_upstream_circuit_open": 0,
                ]
                for (name, value) in expected { #expect(after[name] == value, "\(name) is \(after[name] ?? .nan)") }
                let expiry = try #require(after["sidecar_access_token_expiry_seconds"])
                #expect(expiry > 0 && expiry <= 1800)
                let connections = [#""busy""#, #""idle""#].compactMap {
                    after["sidecar_upstream_connections{state=\($0)}"]
                }
                #expect(connections.count == 2 && connections.reduce(0, +) >= 1)
                for name in ["resident_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds", "start_time_seconds"]
                {
                    #expect((after["process_" + name] ?? 0) > 0, "\(name)")
                }
                try await expectGoodForm(page)
                // Nothing that a caller can choose is a label.
                #expect(!page.contains("alice") && !page.contains("evil") && !page.contains("nobody"))
            }
        }
    }

    /// By Prometheus's own checker.
    private func expectGoodForm(_ page: String) async throws {
        let result = try await Subprocess.run(
            .name("promtool"), arguments: ["check", "metrics"], input: .string(page), output: .string(limit: 1 << 20),
            error: .combinedWithOutput)
        #expect(result.terminationStatus.isSuccess, "\(result.standardOutput)")
    }

    @Test func metricsOfATenantThatFails() async throws {
        try await Tenant.with { tenant in
            let change = ["SIDECAR_LOST_ANSWER_SETTLE": "10ms", "SIDECAR_ROTATION_GRACE": "1ms"]
            _ = try await Sidecar.with(Sidecar.settings(tenant).merging(change) { $1 }) { sidecar in
                try await logIn(sidecar)
                let old = try #require(
                    try await sidecar.curl([sidecar.url + "/sidecar/v1/users/alice/session-token"]).member(
                        "session_token"))
                #expect(try await sidecar.post(Self.session + "refresh").status == 200)
                #expect(try await sidecar.post(Self.session + "refresh", #"{"session_token":"\#(old)"}"#).status == 409)
                _ = try await tenant.control(
                    "POST", "/faults", #"{"kind":"reset-after","path":"\#(Self.session)","count":1}"#)
                #expect(try await sidecar.post(Self.session + "refresh").status == 502)
                let after = try await metrics(sidecar).values
                let expected: [String: Double] = [
                    "sidecar_superseded_tokens_total": 1, #"sidecar_rotations_total{result="lost"}"#: 1,
                    #"sidecar_rotations_total{result="session_lost"}"#: 1,
                    #"sidecar_upstream_errors_total{reason="broken"}"#: 1, #"sidecar_sessions{state="dead"}"#: 1,
                ]
                for (name, value) in expected { #expect(after[name] == value, "\(name) is \(after[name] ?? .nan)") }
            }
        }
        let alone = [
            "SIDECAR_TENANT_URL": "https://127.0.0.1:1", "SIDECAR_CLIENT_ID": "a", "SIDECAR_CLIENT_SECRET": "b",
            "SIDECAR_STORE_URL": "memory:", "SIDECAR_LISTEN": "127.0.0.1:0", "SIDECAR_ADMIN_LISTEN": "127.0.0.1:0",
        ]
        _ = try await Sidecar.with(alone) { sidecar in
            _ = await sidecar.program.lines.first { $0.contains("access token not fetched") }
            let values = try await metrics(sidecar).values
            #expect((values[#"sidecar_access_token_renewals_total{result="failure",reason="unreachable"}"#] ?? 0) >= 1)
            #expect(values["sidecar_ready"] == 0 && values["sidecar_access_token_expiry_seconds"] == 0)
        }
    }

    // MARK: status

    private struct Status: Decodable {
        struct Failure: Decodable {
            let code: String
            let status: Int
            let count: Int
            let requestId: String
            let remedy: String
        }
        struct Setting: Decodable {
            let name: String
            let value: String
        }
        struct Tenant: Decodable {
            let url: String
            let profile: String
        }
        struct Token: Decodable {
            let source: String
            let usable: Bool
            let expiresIn: Int?
        }
        let ready: Bool
        let reasons: [String]
        let tenant: Tenant
        let accessToken: Token
        let sessions: [String: Int]
        let requests: [String: Int]
        let errors: [Failure]
        let configuration: [Setting]
    }

    @Test func theStatus() async throws {
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                try await logIn(sidecar)
                _ = try await sidecar.curl(["-H", "X-Request-Id: mine", sidecar.url + "/sidecar/v1/users/nobody"])
                let answer = try await sidecar.admin("/status")
                let status = try Tenant.decoder.decode(Status.self, from: Data(answer.body.utf8))
                #expect(status.ready && status.reasons.isEmpty)
                #expect(status.tenant.url == tenant.url && status.tenant.profile == "ciam")
                #expect(status.accessToken.source == "client_credentials" && status.accessToken.usable)
                #expect((status.accessToken.expiresIn ?? 0) > 0)
                #expect(status.sessions == ["live": 1, "refreshing": 0, "unknown": 0, "dead": 0])
                #expect(status.requests == ["total": 2, "failed": 0, "in_flight": 0])
                let failure = try #require(status.errors.first)
                #expect(failure.code == "SESSION_UNKNOWN" && failure.status == 404 && failure.count == 1)
                #expect(failure.requestId == "mine" && !failure.remedy.isEmpty)
                let settings = Dictionary(uniqueKeysWithValues: status.configuration.map { ($0.name, $0.value) })
                #expect(settings["SIDECAR_CLIENT_SECRET"] == "•••" && settings["SIDECAR_CLIENT_ID"] == "demo-client")
            }
        }
    }

    /// In a real browser: the words, the colours, no complaint, no request to anywhere else.
    @Test func thePage() async throws {
        let script = Repository.root + "/Tests/Checks/page.py"
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                func look(_ arguments: [String]) async throws {
                    let page = ["http://127.0.0.1:\(sidecar.adminPort)/"] + arguments
                    let check = try await Programs.runToEnd("python3", [script] + page)
                    #expect(check.lines.last == "ok", "\(check.lines.joined(separator: "\n"))")
                }
                let head = try await sidecar.curl(["-i", "http://127.0.0.1:\(sidecar.adminPort)/"]).body
                #expect(
                    head.contains("Content-Security-Policy: default-src 'none';")
                        && head.contains("connect-src 'self';"))
                try await logIn(sidecar)
                _ = try await sidecar.post(Self.session + "refresh")
                _ = try await sidecar.curl([sidecar.url + "/sidecar/v1/users/nobody"])
                let words = [
                    "Ready", "localhost:", "client credentials", "renewed", "404 SESSION_UNKNOWN",
                    "let the user log in",
                ]
                try await look(words)
                try await look(words + ["--dark"])
                _ = try await tenant.control(
                    "POST", "/faults", #"{"kind":"status","status":503,"path":"/api/v2/","count":100}"#)
                // On a slow machine the failures lie so far apart that more of them are needed.
                for _ in 0..<100 {
                    let code = try await sidecar.post(Self.session + "sso-ticket").member("error_code")
                    if code == "SIDECAR.UPSTREAM_DOWN" { break }
                }
                try await look(["--bad", "The tenant fails", "503 UPSTREAM_DOWN", "failed many times in a row"])
            }
        }
        let alone = [
            "SIDECAR_TENANT_URL": "https://127.0.0.1:1", "SIDECAR_CLIENT_ID": "a", "SIDECAR_CLIENT_SECRET": "b",
            "SIDECAR_STORE_URL": "memory:", "SIDECAR_LISTEN": "127.0.0.1:0", "SIDECAR_ADMIN_LISTEN": "127.0.0.1:0",
        ]
        _ = try await Sidecar.with(alone) { sidecar in
            let page = "http://127.0.0.1:\(sidecar.adminPort)/"
            let words = ["--bad", "--dark", "Not ready", "no usable access token is held"]
            let check = try await Programs.runToEnd("python3", [script, page] + words)
            #expect(check.lines.last == "ok", "\(check.lines.joined(separator: "\n"))")
        }
    }

    /// Somebody else's page in an operator's browser gets nothing.
    @Test(arguments: [
        (["-H", "Host: rebound.example"], 421), (["-H", "Origin: https://evil.example"], 403),
        (["-H", "Sec-Fetch-Site: cross-site"], 403), (["-H", "Sec-Fetch-Site: same-origin"], 200),
        (["-X", "POST"], 405),
    ])
    func theAdminPortIsForNobodysPage(_ arguments: [String], _ expected: Int) async throws {
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                for path in ["/", "/status", "/metrics", "/quit"] where path != "/quit" || expected != 200 {
                    let answer = try await sidecar.curl(arguments + ["http://127.0.0.1:\(sidecar.adminPort)\(path)"])
                    #expect(answer.status == expected, "\(path)")
                }
            }
        }
    }

    // MARK: logs

    private struct Line: Decodable {
        let time: String
        let level: String
        let message: String
        let method: String?
        let route: String?
        let path: String?
        let status: Int?
        let source: String?
        let durationMs: Double?
        let requestId: String?
        let traceId: String?
        let user: String?
        let error: String?
    }

    @Test func everyLineIsJSONAndEveryRequestHasOne() async throws {
        try await Tenant.with { tenant in
            let change = ["SIDECAR_LOG_FORMAT": "json", "SIDECAR_ACCESS_LOG": "true", "SIDECAR_LOG_LEVEL": "debug"]
            let port = try await freePort()
            let settings = Sidecar.settings(tenant).merging(change) { $1 }
                .merging(["SIDECAR_LISTEN": "127.0.0.1:\(port)"]) { $1 }
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            let (_, end) = try await Programs.run("ciam-sidecar", environment: settings) { program in
                _ = await program.lines.first { $0.contains(#""message":"ready""#) }
                let url = "http://127.0.0.1:\(port)"
                let names = ["-H", "X-Request-Id: mine", "-H", "traceparent: \(trace)", "-H", "X-Sidecar-User: alice"]
                for path in ["/api/v2/sdk/echo?secret=canary", "/sidecar/v1/users/alice", "/nowhere"] {
                    _ = try await Curl.run(names + [url + path])
                }
                _ = await program.lines.first { $0.contains("PATH_NOT_ALLOWED") }
            }
            #expect(end.exitCode == 0)
            let lines = try end.lines.map { try Tenant.decoder.decode(Line.self, from: Data($0.utf8)) }
            #expect(lines.allSatisfy { $0.time.hasSuffix("Z") && !$0.level.isEmpty && !$0.message.isEmpty })
            let requests = lines.filter { $0.message == "request" }
            #expect(requests.map(\.route) == ["sdk", "local", "none"] && requests.map(\.status) == [200, 404, 403])
            #expect(requests.map(\.path) == ["/api/v2/sdk/echo", nil, "/nowhere"])
            #expect(requests.map(\.error) == [nil, "SESSION_UNKNOWN", "PATH_NOT_ALLOWED"])
            #expect(requests.allSatisfy { $0.requestId == "mine" })
            // A request that was sent has a trace.
            #expect(requests.map(\.traceId) == ["0af7651916cd43dd8448eb211c80319c", nil, nil])
            #expect(requests.allSatisfy { ($0.durationMs ?? -1) >= 0 && $0.method == "GET" })
            #expect(Set(requests.map(\.user)).count == 1 && requests[0].user?.count == 12)
            #expect(!end.lines.joined().contains("alice") && !end.lines.joined().contains("canary"))
        }
    }

    /// Known secrets go in at every place; none of them comes out at any place that people look at.
    @Test(arguments: ["text", "json"], ["debug", "info", "warning", "error"])
    func noSecretIsSeen(_ format: String, _ level: String) async throws {
        try await withTestFolder { folder in
            try await Tenant.with(["--previous-token-grace", "0"]) { tenant in
                let change = [
                    "SIDECAR_LOG_FORMAT": format, "SIDECAR_LOG_LEVEL": level, "SIDECAR_ACCESS_LOG": "true",
                    "SIDECAR_LOCAL_TOKEN": "canary-local-token", "SIDECAR_DEVICE_FINGERPRINT": "canary-fingerprint",
                    "SIDECAR_REQUIRED_HEADER": "X-Canary: canary-value", "SIDECAR_LOST_ANSWER_SETTLE": "10ms",
                    "SIDECAR_FINGERPRINT_KEY": "canary-key", "SIDECAR_UPSTREAM_TIMEOUT": "5s",
                ]
                let port = try await freePort()
                let adminPort = try await freePort()
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/s.db").merging(change) { $1 }
                    .merging(["SIDECAR_LISTEN": "127.0.0.1:\(port)", "SIDECAR_ADMIN_LISTEN": "127.0.0.1:\(adminPort)"])
                { $1 }
                var seen = ""
                var secrets = [
                    "canary-local-token", "canary-fingerprint", "canary-value", "canary-key", "canary-user",
                    "demo-secret",
                    "demo-password", "canary-body", "canary-authorization", "canary-query",
                ]
                let (shown, end) = try await Programs.run("ciam-sidecar", environment: settings) { program in
                    let url = "http://127.0.0.1:\(port)"
                    func call(_ path: String, _ body: String = "{}", token: String = "canary-local-token") async throws
                        -> Curl.Answer
                    {
                        let own =
                            path.hasPrefix("/api/v2/tenant")
                            ? ["-H", "Authorization: Bearer canary-authorization"] : []
                        return try await Curl.run(
                            own + [
                                "-H", "X-Sidecar-Token: \(token)",
                                "-H", "X-Canary: canary-value", "-H", "X-Sidecar-User: canary-user", "-H",
                                "Content-Type: application/json", "-d", body, url + path,
                            ])
                    }
                    var own: [String] = []
                    // At some levels it does not say that it is ready.
                    try await Curl.untilReady(adminPort)
                    let login = #"{"user_name":"bob","password":"demo-password"}"#
                    #expect(try await call("/api/v2/sdk/login", login).status == 200)
                    let refreshed = try await call(Self.session + "refresh")
                    let token = try #require(refreshed.member("session_token"))
                    _ = try await call(Self.session + "sso-ticket", #"{"session_token":"\#(token)"}"#)
                    for (path, body) in [
                        ("/api/v2/tenant/token", "canary-body"), (Self.session + "refresh", "canary-body"),
                        ("/x//y?canary-query=1", "{}"),
                        (Self.session + "refresh", #"{"session_token":"\#(token) "}"#),
                    ] { own.append(try await call(path, body).body) }
                    own.append(try await call("/", token: "canary-authorization").body)
                    for kind in ["reset-after", "reset-after"] {
                        _ = try await tenant.control(
                            "POST", "/faults", #"{"kind":"\#(kind)","path":"\#(Self.session)","count":1}"#)
                    }
                    own.append(try await call(Self.session + "refresh").body)
                    let access = try await tenant.received().flatMap { $0.values("authorization") }
                    for path in ["/", "/status", "/metrics", "/readyz", "/livez", "/nothing"] {
                        own.append(try await Curl.run(["http://127.0.0.1:\(adminPort)\(path)"]).body)
                    }
                    return (own, [token] + access.map { String($0.split(separator: " ").last ?? "") })
                }
                secrets += shown.1.filter { $0 != "canary-authorization" }
                #expect(shown.1.count > 3 && end.exitCode == 0)
                seen = (shown.0 + end.lines).joined(separator: "\n")
                #expect(
                    shown.0.contains { $0.contains("SESSION_LOST") }
                        && shown.0.contains { $0.contains("CALLER_UNKNOWN") })
                for secret in secrets { #expect(!seen.contains(secret), "\(secret)") }
                // And there was something to look through.
                #expect(level == "debug" || level == "info" ? end.lines.count > 8 : seen.contains("SIDECAR."))
            }
        }
    }
}
