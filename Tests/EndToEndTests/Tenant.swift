// The emulator as a process, and what a test asks of its control port.

import FoundationEssentials
import TestSupport
import Testing

/// Where a running emulator is.
struct Tenant: Sendable, Decodable {
    /// Reads `snake_case` members into `camelCase` ones.
    static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }

    let url: String
    let control: String
    let caFile: String

    /// A request as the tenant received it.
    struct Received: Decodable {
        let seq: Int
        let method: String
        let path: String
        let `protocol`: String
        let headers: [[String]]
        let body: String
        let outcome: String
        let user: String?
        let generation: Int?

        /// The values of a field, whatever its case.
        func values(_ name: String) -> [String] { headers.filter { $0[0].lowercased() == name }.map { $0[1] } }
        var json: [String: String] { (try? JSONDecoder().decode([String: String].self, from: Data(body.utf8))) ?? [:] }
    }

    /// What the emulator holds of a user.
    struct UserSession: Decodable {
        let generation: Int
        let sessionToken: String
        let deviceFingerprint: String
        let presentations: [String: Int]
        let tokens: [String]
    }

    /// Runs `body` with an emulator of its own.
    static func with<Result: Sendable>(_ options: [String] = [], _ body: (Tenant) async throws -> Result) async throws
        -> Result
    {
        try await withTestFolder { folder in
            try await Programs.run("tenant-emulator", ["--directory", folder] + options) { program in
                let line = try #require(await program.lines.first { $0.hasPrefix("{") })
                return try await body(try Self.decoder.decode(Tenant.self, from: Data(line.utf8)))
            }.0
        }
    }

    private var controlPort: Int { Int(control.split(separator: ":").last ?? "") ?? 0 }

    /// One call of the control port.
    func control(_ method: String, _ path: String, _ body: String = "") async throws -> Data {
        let answer = try await KeepAliveClient.with(port: controlPort) {
            try await $0.send(method, path, body: bytes(body))
        }
        #expect(answer.status == 200, "\(method) \(path): \(text(answer.body))")
        return Data(answer.body)
    }

    /// Waits until a call is held by a fault.
    func parked() async throws {
        let answer = try await control("GET", "/faults/parked?at_least=1&timeout_ms=600000")
        #expect(text([UInt8](answer)).contains(#""reached":true"#))
    }

    func counters() async throws -> [String: Int] {
        try JSONDecoder().decode([String: Int].self, from: try await control("GET", "/state"))
    }
    func received() async throws -> [Received] {
        try Self.decoder.decode([Received].self, from: try await control("GET", "/requests"))
    }
    func session(_ user: String) async throws -> UserSession {
        try Self.decoder.decode(UserSession.self, from: try await control("GET", "/sessions/\(user)"))
    }

    /// Opens a session as a login made elsewhere does.
    /// - Returns: its session token.
    func open(_ user: String, fingerprint: String) async throws -> String {
        struct Answer: Decodable { let sessionToken: String }
        let body = #"{"user":"\#(user)","device_fingerprint":"\#(fingerprint)"}"#
        return try Self.decoder.decode(Answer.self, from: try await control("POST", "/sessions", body)).sessionToken
    }

    /// Nothing was presented twice, with a wrong device, a wrong bearer, or to the wrong place.
    /// - Parameter except: counters that are looked at in another way.
    func expectCleanCounters(except: Set<String> = [], sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let counters = try await counters()
        for name in [
            "reuse", "concurrent_presentations", "fingerprint_mismatches", "missing_device_fields", "bearer_rejected",
            "access_token_leaks",
            "unknown_sessions",
        ] where !except.contains(name) {
            #expect(counters[name] == 0, "\(name)", sourceLocation: sourceLocation)
        }
    }
}
