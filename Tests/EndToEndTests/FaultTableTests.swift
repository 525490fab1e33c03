// Everything that can go wrong between sidecar and tenant, on a refresh, a ticket and a streamed call: what the app gets, how soon,
// and that nothing is lost by it.

import FoundationEssentials
import NIOCore
import NIOPosix
import TestSupport
import Testing

@Suite(.serialized) struct FaultTableTests {
    /// A row: what happens once to a request, and what each kind of call comes to.
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        /// Of the emulator's control port, without its path.
        let kind: String
        /// `status`, `status CODE` for the sidecar's own answers, or `status cut`.
        let refresh: String
        let ticket: String
        let stream: String
        /// Whether the tenant had carried the refresh out: then the new token is lost with the answer.
        var consumes = false
        var testDescription: String { name }
    }

    private static func raw(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\r\n", with: "\\r\\n")
        return #"{"kind":"raw","text":"\#(escaped)""#
    }

    private static let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

    /// A refresh whose answer is lost is presented once more: the app gets a token, or the clear word that it is lost. A GET goes out
    /// once more only on a kept-alive connection that died before a byte; every connection here has been used before.
    static let faults = [
        Fault(
            name: "reset before any byte", kind: #"{"kind":"reset-before""#, refresh: "200",
            ticket: "502 UPSTREAM_BROKEN",
            stream: "200"),
        Fault(
            name: "reset after the tenant's work", kind: #"{"kind":"reset-after""#, refresh: "502 SESSION_LOST",
            ticket: "502 UPSTREAM_BROKEN", stream: "200", consumes: true),
        Fault(
            name: "stall before the head", kind: #"{"kind":"delay","ms":8000,"if_client_gone":"drop""#, refresh: "200",
            ticket: "504 UPSTREAM_TIMEOUT", stream: "504 UPSTREAM_TIMEOUT"),
        Fault(
            name: "stall after the tenant's work", kind: #"{"kind":"delay-after","ms":8000"#,
            refresh: "502 SESSION_LOST",
            ticket: "504 UPSTREAM_TIMEOUT", stream: "504 UPSTREAM_TIMEOUT", consumes: true),
        Fault(
            name: "body cut", kind: #"{"kind":"truncate","bytes":9"#, refresh: "502 SESSION_LOST", ticket: "200 cut",
            stream: "200 cut", consumes: true),
        Fault(
            name: "Content-Length too long", kind: raw(ok + "Content-Length: 100\r\n\r\n{}"), refresh: "200",
            ticket: "200 cut", stream: "200 cut"),
        Fault(
            name: "Content-Length twice", kind: raw(ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
            refresh: "200",
            ticket: "502 UPSTREAM_BROKEN", stream: "502 UPSTREAM_BROKEN"),
        Fault(
            name: "no number in Content-Length", kind: raw(ok + "Content-Length: +2\r\n\r\n{}"), refresh: "200",
            ticket: "502 UPSTREAM_BROKEN", stream: "502 UPSTREAM_BROKEN"),
        Fault(
            name: "head cut", kind: raw("HTTP/1.1 200 OK\r\nContent-Ty"), refresh: "200", ticket: "502 UPSTREAM_BROKEN",
            stream: "502 UPSTREAM_BROKEN"),
        Fault(
            name: "garbage status line", kind: raw("SMTP/1.1 hello\r\n\r\n"), refresh: "200",
            ticket: "502 UPSTREAM_BROKEN",
            stream: "502 UPSTREAM_BROKEN"),
        Fault(
            name: "bad chunk", kind: raw(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), refresh: "200",
            ticket: "200 cut",
            stream: "200 cut"),
        Fault(
            name: "unasked 101", kind: raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nGARBAGE"),
            refresh: "200",
            ticket: "502 UPSTREAM_BROKEN", stream: "502 UPSTREAM_BROKEN"),
        Fault(
            name: "header of a hundred megabytes", kind: raw(ok + "X: ") + #","filler":104857600"#,
            refresh: "200", ticket: "502 UPSTREAM_BROKEN", stream: "502 UPSTREAM_BROKEN"),
        Fault(
            name: "HTML with 200", kind: raw("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"), refresh: "200",
            ticket: "200",
            stream: "200"),
        Fault(name: "500", kind: #"{"kind":"status","status":500"#, refresh: "200", ticket: "500", stream: "500"),
        Fault(
            name: "503 after the tenant's work", kind: #"{"kind":"status-after","status":503"#,
            refresh: "502 SESSION_LOST",
            ticket: "503", stream: "503", consumes: true),
        Fault(
            name: "429", kind: #"{"kind":"status","status":429,"retry_after":"300","body":"{}""#, refresh: "429",
            ticket: "429",
            stream: "429"),
        Fault(
            name: "redirect",
            kind: raw("HTTP/1.1 302 Found\r\nLocation: https://localhost:1/\r\nContent-Length: 0\r\n\r\n"),
            refresh: "200", ticket: "302", stream: "302"),
        Fault(name: "slow drip", kind: #"{"kind":"drip","ms":2"#, refresh: "200", ticket: "200", stream: "200"),
    ]

    private static let settings = [
        "SIDECAR_UPSTREAM_HTTP": "1.1", "SIDECAR_UPSTREAM_TIMEOUT": "4s", "SIDECAR_CONNECT_TIMEOUT": "4s",
        "SIDECAR_LOST_ANSWER_SETTLE": "50ms",
    ]
    private static let refreshPath = "/api/v2/tenant/sso/session-token/refresh"
    private static let ticketPath = "/api/v2/tenant/sso/session-token/sso-ticket"
    private static let streamPath = "/api/v2/tenant/echo"

    /// What an app gets, in the words of the table.
    private static func outcome(_ answer: Curl.Answer) -> String {
        if answer.exit != 0, answer.status == 200 { return "200 cut" }
        guard let code = answer.member("error_code"), code.hasPrefix("SIDECAR.") else { return "\(answer.status)" }
        return "\(answer.status) \(code.dropFirst("SIDECAR.".count))"
    }

    @Test(arguments: ["direct", "libcurl"])
    func theTable(_ lane: String) async throws {
        try await Tenant.with { tenant in
            let settings = Sidecar.settings(tenant).merging(Self.settings) { $1 }
                .merging(["SIDECAR_UPSTREAM_LANE": lane]) { $1 }
            _ = try await Sidecar.with(settings) { sidecar in
                print("| fault | refresh | ticket | streamed GET |\n|---|---|---|---|")
                for (number, fault) in Self.faults.enumerated() {
                    try await row(fault, user: "user\(number)", tenant, sidecar)
                    print("| \(fault.name) | \(fault.refresh) | \(fault.ticket) | \(fault.stream) |")
                }
                let after = try sidecar.program.footprint()
                #expect(after.resident < 200 * 1024 && after.descriptors < 100)
            }
        }
    }

    private func row(_ fault: Fault, user: String, _ tenant: Tenant, _ sidecar: Sidecar) async throws {
        _ = try await sidecar.post(
            "/api/v2/sdk/login", user: user, #"{"user_name":"\#(user)","password":"demo-password"}"#)
        func call(_ path: String) async throws -> Curl.Answer {
            path == Self.streamPath
                ? try await sidecar.curl([sidecar.url + path]) : try await sidecar.post(path, user: user)
        }
        // The session's refresh comes last: it may end with it.
        for (path, expected) in [
            (Self.ticketPath, fault.ticket), (Self.streamPath, fault.stream), (Self.refreshPath, fault.refresh),
        ] {
            #expect(try await sidecar.curl([sidecar.url + Self.streamPath]).status == 200)
            _ = try await tenant.control("POST", "/faults", fault.kind + #","path":"\#(path)"}"#)
            let begun = ContinuousClock.now
            let outcome = Self.outcome(try await call(path))
            #expect(outcome == expected, "\(fault.name): \(path)")
            // Two time limits of four seconds, and then some for a machine under load.
            #expect(ContinuousClock.now - begun < .seconds(20))
            _ = try await tenant.control("DELETE", "/faults")
        }
        // Nothing else was lost: the session goes on, or ends in one clear word that a login answers.
        if fault.name == "429" {
            #expect(Self.outcome(try await call(Self.refreshPath)) == "429 RATE_LIMITED")
        } else if fault.consumes {
            #expect(Self.outcome(try await call(Self.refreshPath)) == "502 SESSION_LOST")
            #expect(Self.outcome(try await call(Self.ticketPath)) == "502 SESSION_LOST")
        } else {
            #expect(Self.outcome(try await call(Self.refreshPath)) == "200")
            #expect(Self.outcome(try await call(Self.ticketPath)) == "200")
        }
    }

    // MARK: before there is a connection

    /// No name, nobody there, nobody who accepts, nobody who is trusted: 200 calls at once, each answered in time, nothing sent.
    @Test(arguments: ["dns", "refused", "black hole", "no handshake", "untrusted"], ["direct", "libcurl"])
    func noConnection(_ kind: String, _ lane: String) async throws {
        try await Tenant.with { tenant in
            var settings = Sidecar.settings(tenant).merging(Self.settings) { $1 }
            settings["SIDECAR_ACCESS_TOKEN"] = "t"
            settings["SIDECAR_UPSTREAM_LANE"] = lane
            settings["SIDECAR_CLIENT_SECRET"] = nil
            let silent = try await SilentServer(accepts: kind == "no handshake")
            let expected: String
            var allowed: Set = ["503 UPSTREAM_DOWN"]
            switch kind {
            case "dns":
                settings["SIDECAR_TENANT_URL"] = "https://no-such-host.invalid"
                expected = "502 UPSTREAM_UNREACHABLE"
                // As slowly as the system's resolver finds that out.
                allowed.insert("504 UPSTREAM_TIMEOUT")
            case "refused":
                settings["SIDECAR_TENANT_URL"] = "https://127.0.0.1:1"
                expected = "502 UPSTREAM_UNREACHABLE"
            case "black hole":
                settings["SIDECAR_TENANT_URL"] = "https://127.0.0.1:\(try await silent.full())"
                expected = "504 UPSTREAM_TIMEOUT"
            case "no handshake":
                settings["SIDECAR_TENANT_URL"] = "https://127.0.0.1:\(silent.port)"
                expected = "504 UPSTREAM_TIMEOUT"
            default:
                settings["SIDECAR_CA_FILE"] = nil
                // 200 handshakes at once take their time.
                settings["SIDECAR_CONNECT_TIMEOUT"] = "60s"
                settings["SIDECAR_UPSTREAM_TIMEOUT"] = "60s"
                expected = "502 UPSTREAM_TLS"
            }
            _ = try await Sidecar.with(settings) { sidecar in
                let begun = ContinuousClock.now
                let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<200 {
                        group.addTask {
                            let answer = try await KeepAliveClient.with(port: sidecar.port) {
                                try await $0.send("POST", "/api/v2/tenant/users", user: "alice", body: bytes("{}"))
                            }
                            return Self.outcome(Curl.Answer(exit: 0, status: answer.status, body: text(answer.body)))
                        }
                    }
                    return try await group.reduce(into: Set<String>()) { $0.insert($1) }
                }
                // Those who come late are spared the wait.
                #expect(outcomes.isSubset(of: allowed.union([expected])), "\(outcomes)")
                #expect(kind == "dns" || outcomes.contains(expected), "\(outcomes)")
                #expect(ContinuousClock.now - begun < .seconds(60))
                // Whoever needs nothing from the tenant is not disturbed.
                let handed = try await sidecar.curl([
                    "-X", "PUT", "-d", #"{"session_token":"T","expire":43200}"#,
                    sidecar.url + "/sidecar/v1/users/alice/session-token",
                ])
                #expect(handed.status == 204)
                let cached = try await sidecar.curl([sidecar.url + "/sidecar/v1/users/alice/session-token"])
                #expect(cached.status == 200 && cached.member("session_token") == "T")
            }
            #expect(try await tenant.counters()["requests"] == 0)
            await silent.close()
        }
    }

    /// The tenant goes away and comes back with another certificate of another authority: served again without a restart, after the new
    /// authority is in the file.
    @Test func theTenantComesBackWithAnotherCertificate() async throws {
        try await withTestFolder { folder in
            let port = try await freePort()
            let options = ["--directory", folder, "--listen", "127.0.0.1:\(port)"]
            var settings = Self.settings.merging([
                "SIDECAR_TENANT_URL": "https://localhost:\(port)", "SIDECAR_CA_FILE": folder + "/trusted.pem",
                "SIDECAR_CLIENT_ID": "demo-client", "SIDECAR_CLIENT_SECRET": "demo-secret",
                "SIDECAR_STORE_URL": "memory:",
                "SIDECAR_LISTEN": "127.0.0.1:0", "SIDECAR_ADMIN_LISTEN": "127.0.0.1:0",
            ]) { $1 }
            settings["SIDECAR_SYSTEM_CA"] = "false"
            func trust() throws {
                try (FileManager.default.contents(atPath: folder + "/ca.pem") ?? Data())
                    .write(to: URL(filePath: folder + "/trusted.pem"))
            }
            func running<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
                try await Programs.run("tenant-emulator", options) { program in
                    _ = await program.lines.first { $0.hasPrefix("{") }
                    return try await body()
                }.0
            }
            try await running { try trust() }
            _ = try await Sidecar.with(settings) { sidecar in
                func outcome() async throws -> String {
                    Self.outcome(try await sidecar.curl([sidecar.url + Self.streamPath]))
                }
                try await running {
                    // Already another authority than the one that is trusted.
                    #expect(try await outcome() == "503 NO_ACCESS_TOKEN")
                    #expect(await sidecar.program.lines.first { $0.contains("tls (libcurl 60), nothing sent") } != nil)
                    try trust()
                    sidecar.program.reload()
                    _ = await sidecar.program.lines.first { $0.contains("were read again") }
                    #expect(try await outcome() == "200")
                }
                #expect(try await outcome() == "502 UPSTREAM_UNREACHABLE")
                try await running {
                    #expect(try await outcome() == "502 UPSTREAM_TLS")
                    try trust()
                    sidecar.program.reload()
                    let reloads = Gate()
                    _ = await sidecar.program.lines.first { line in
                        if line.contains("were read again") { reloads.signal() }
                        return reloads.count == 2
                    }
                    #expect(try await outcome() == "200")
                }
            }
        }
    }

    // MARK: many at once

    /// A tenant that fails for everybody is left alone after a while, and found again when it works.
    @Test func aStormOfErrors() async throws {
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant).merging(Self.settings) { $1 }) { sidecar in
                #expect(try await sidecar.curl([sidecar.url + Self.streamPath]).status == 200)
                _ = try await tenant.control(
                    "POST", "/faults", #"{"kind":"status","status":503,"count":-1,"path":"\#(Self.streamPath)"}"#)
                var outcomes: [String] = []
                for _ in 0..<40 {
                    outcomes.append(Self.outcome(try await sidecar.curl([sidecar.url + Self.streamPath])))
                }
                #expect(Set(outcomes) == ["503", "503 UPSTREAM_DOWN"])
                let reached = try await tenant.received().filter { $0.path == Self.streamPath }.count
                #expect(reached < 30)
                _ = try await tenant.control("DELETE", "/faults")
                while Self.outcome(try await sidecar.curl([sidecar.url + Self.streamPath])) != "200" {
                    // Until the next trial; the breaker's pause is a second.
                    try await Task.sleep(for: .milliseconds(100))
                }
                #expect(await sidecar.program.lines.first { $0.contains("the tenant answers again") } != nil)
            }
        }
    }

    /// Faults by the thousand leave nothing behind: no descriptor, no thread, no memory that grows.
    @Test func tenThousandFaultsLeakNothing() async throws {
        let kinds = [
            #"{"kind":"reset-before""#, #"{"kind":"reset-after""#, #"{"kind":"truncate","bytes":3"#,
            #"{"kind":"status","status":500"#, Self.raw("HTTP/1.1 200 OK\r\nContent-Ty"), Self.raw("nonsense\r\n\r\n"),
            Self.raw(Self.ok + "Content-Length: 100\r\n\r\n{}"),
        ]
        try await Tenant.with { tenant in
            _ = try await tenant.control("PUT", "/settings", #"{"request_log":false}"#)
            _ = try await Sidecar.with(Sidecar.settings(tenant).merging(Self.settings) { $1 }) { sidecar in
                func storm(_ rounds: Int) async throws {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for worker in 0..<8 {
                            group.addTask {
                                let path = "/api/v2/tenant/echo/\(worker)"
                                for round in 0..<rounds {
                                    // Every second request works, so that the breaker stays closed.
                                    try await KeepAliveClient.with(port: sidecar.port) { client in
                                        for isFaulty in [true, false] {
                                            if isFaulty {
                                                let kind = kinds[(round + worker) % kinds.count]
                                                _ = try await tenant.control(
                                                    "POST", "/faults", kind + #","path":"\#(path)"}"#)
                                            }
                                            _ = try? await client.send("POST", path, user: "u", body: bytes("{}"))
                                        }
                                    }
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                try await storm(60)
                let before = try sidecar.program.footprint()
                try await storm(1250)
                let after = try sidecar.program.footprint()
                print("10,000 faults: \(before) to \(after)")
                #expect(after.descriptors <= before.descriptors + 8)
                #expect(after.threads <= before.threads + 1)
                #expect(after.resident <= before.resident + 8 * 1024)
                let counters = try await tenant.counters()
                #expect((counters["faults_fired"] ?? 0) >= 10_000)
                #expect(try await sidecar.curl([sidecar.url + Self.streamPath]).status == 200)
            }
        }
    }
}

/// A port that takes connections and says nothing, or takes none at all.
final class SilentServer: Sendable {
    let port: Int
    private let channel: any Channel

    init(accepts: Bool) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: Int32(accepts ? 256 : 0))
            .serverChannelOption(.autoRead, value: accepts)
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    /// Fills the line of those who wait to be accepted: whoever comes now is not answered at all.
    func full() async throws -> Int {
        for _ in 0..<8 {
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(
                .milliseconds(300))
            _ = try? await bootstrap.connect(host: "127.0.0.1", port: port).get()
        }
        return port
    }

    func close() async { try? await channel.close() }
}
