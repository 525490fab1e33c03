// The sidecar as a process.

import FoundationEssentials
import Subprocess
import TestSupport
import Testing

/// A running sidecar.
struct Sidecar: Sendable {
    let program: Program
    let port: Int
    let adminPort: Int

    /// The settings for a tenant, on free ports.
    static func settings(_ tenant: Tenant, store: String = "memory:") -> [String: String] {
        [
            "SIDECAR_TENANT_URL": tenant.url, "SIDECAR_CA_FILE": tenant.caFile, "SIDECAR_CLIENT_ID": "demo-client",
            "SIDECAR_CLIENT_SECRET": "demo-secret", "SIDECAR_STORE_URL": store, "SIDECAR_LISTEN": "127.0.0.1:0",
            "SIDECAR_ADMIN_LISTEN": "127.0.0.1:0", "SIDECAR_LOG_LEVEL": "debug",
            // A slow machine is no fault of the tenant's.
            "SIDECAR_REFRESH_WAIT": "60s", "SIDECAR_CONNECT_TIMEOUT": "60s", "SIDECAR_QUEUE_TIMEOUT": "60s",
        ]
    }

    /// The settings of one of several sidecars that share a store.
    static func settings(_ tenant: Tenant, sharing server: RedisServer) -> [String: String] {
        settings(tenant, store: "redis+unix://\(server.socket)").merging([
            "SIDECAR_STORE_KEY": "a2V5LWNhbmFyeS1hYmNkZWZnaGlqa2xtbm9wcXJzdHU=",
            "SIDECAR_STORE_PASSWORD": server.password,
            // A slow machine is no fault of the server's.
            "SIDECAR_STORE_TIMEOUT": "20s",
        ]) { $1 }
    }

    /// Runs `body` with a sidecar of its own and ends it with SIGTERM.
    /// - Parameter wrapper: as in `Programs.run`.
    static func with<Result: Sendable>(
        _ settings: [String: String], under wrapper: [String] = [], _ body: (Sidecar) async throws -> Result
    ) async throws -> (result: Result, end: ProgramEnd) {
        let run = try await Programs.run("ciam-sidecar", under: wrapper, environment: settings) { program in
            let line = await program.lines.first { $0.contains(" info ready ") }
            guard let line, let port = number(line, "listen=127.0.0.1:"), let adminPort = number(line, "admin=") else {
                throw BadSample(what: "the sidecar did not start: \(program.lines.all)")
            }
            return try await body(Sidecar(program: program, port: port, adminPort: adminPort))
        }
        expectNoSecret(in: run.1.lines, settings)
        return run
    }

    /// Whatever a test has made it do and say: its secrets and its users' names and passwords are not among it.
    private static func expectNoSecret(in lines: [String], _ settings: [String: String]) {
        let secret = ["SECRET", "TOKEN", "KEY", "FINGERPRINT", "HEADER"]
        let values = settings.filter { name, _ in secret.contains { name.hasSuffix($0) } }.values
        for word in values + ["demo-password", "alice"] where word.utf8.count > 4 {
            #expect(!lines.contains { $0.contains(word) }, "\(word) was said")
        }
    }

    /// What follows a label in a log line.
    static func number(_ line: String, _ label: String) -> Int? {
        line.ranges(of: label).first.flatMap { Int(line[$0.upperBound...].prefix { $0.isNumber }) }
    }

    var url: String { "http://127.0.0.1:\(port)" }

    /// One request by Debian's curl.
    func curl(_ arguments: [String]) async throws -> Curl.Answer { try await Curl.run(arguments) }

    /// A call of an app, by curl.
    func post(_ path: String, user: String? = "alice", _ body: String = "{}", _ more: [String] = []) async throws
        -> Curl.Answer
    {
        let named = user.map { ["-H", "X-Sidecar-User: \($0)"] } ?? []
        return try await curl(named + more + ["-H", "Content-Type: application/json", "-d", body, url + path])
    }

    func admin(_ path: String) async throws -> Curl.Answer { try await curl(["http://127.0.0.1:\(adminPort)\(path)"]) }
}

enum Curl {
    /// Waits until a sidecar whose log need not say so is ready.
    static func untilReady(_ adminPort: Int) async throws {
        let ready = try await run(
            ["--retry", "60", "--retry-connrefused", "--retry-delay", "1", "http://127.0.0.1:\(adminPort)/readyz"])
        guard ready.status == 200 else { throw BadSample(what: "the sidecar did not become ready: \(ready)") }
    }

    struct Answer: Sendable {
        let exit: Int32
        let status: Int
        let body: String

        /// A string member of a JSON body.
        func member(_ name: String) -> String? {
            return (try? JSONDecoder().decode(StringMembers.self, from: Data(body.utf8)))?.texts[name]
        }
    }

    /// - Parameter arguments: of curl, the URL last.
    static func run(_ arguments: [String]) async throws -> Answer {
        let mark = "\n#status "
        let result = try await Subprocess.run(
            .name("curl"),
            arguments: Arguments(["--silent", "--max-time", "300", "-w", mark + "%{http_code}"] + arguments),
            output: .string(limit: 1 << 22), error: .discarded)
        let output = result.standardOutput
        let exit: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
        guard let end = output.ranges(of: mark).last else { return Answer(exit: exit, status: 0, body: output) }
        return Answer(exit: exit, status: Int(output[end.upperBound...]) ?? 0, body: String(output[..<end.lowerBound]))
    }
}

/// The members of a JSON object that are strings.
private struct StringMembers: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    let texts: [String: String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        texts = container.allKeys.reduce(into: [:]) {
            $0[$1.stringValue] = try? container.decode(String.self, forKey: $1)
        }
    }
}
