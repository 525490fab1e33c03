// Debian's curl as the client of the wire tests.
import Subprocess
import TenantEmulator

/// An HTTP version as curl is told of it.
enum WireVersion: String, CaseIterable {
    case http1 = "--http1.1"
    case http2 = "--http2"
}

/// What curl saw.
struct CurlResult {
    /// curl's own exit status; 0 when a complete answer arrived.
    let exit: Int32
    /// HTTP status; 0 without an answer.
    let status: Int
    /// `1.1` or `2`.
    let version: String
    let body: String

    var json: JSONValue? {
        try? JSONReading.value(Array(body.utf8))
    }
}

/// Sends requests to a running emulator over TLS that is verified against its `ca.pem`.
struct CurlProbe {
    let emulator: RunningEmulator
    var version = WireVersion.http1

    private static let marker = "\n#curl "

    /// - Parameter arguments: of curl, the URL last.
    func curl(_ arguments: [String]) async throws -> CurlResult {
        let format = Self.marker + "%{http_code} %{http_version}"
        let fixed = ["--silent", "--cacert", emulator.caFile, version.rawValue, "--max-time", "20", "-w", format]
        let result = try await run(
            .name("curl"), arguments: Arguments(fixed + arguments), output: .string(limit: 1 << 20),
            error: .discarded)
        let text = result.standardOutput
        let exit: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
        guard let mark = text.ranges(of: Self.marker).last else {
            return CurlResult(exit: exit, status: 0, version: "", body: text)
        }
        let facts = text[mark.upperBound...].split(separator: " ").map(String.init)
        return CurlResult(
            exit: exit, status: facts.first.flatMap { Int($0) } ?? 0, version: facts.last ?? "",
            body: String(text[..<mark.lowerBound]))
    }

    /// - Parameter maximum: seconds that curl waits for the whole answer.
    func post(
        _ path: String, bearer: String? = nil, headers: [String] = [], body: String, maximum: String = "20"
    ) async throws -> CurlResult {
        let authorization = bearer.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
        let others = headers.flatMap { ["-H", $0] }
        return try await curl(
            authorization + others + ["--max-time", maximum, "-H", "Content-Type: application/json"]
                + ["-d", body, emulator.url + path])
    }

    func control(_ method: String, _ path: String, _ body: String? = nil) async throws -> JSONValue? {
        let data = body.map { ["-d", $0] } ?? []
        return try await curl(["-X", method] + data + [emulator.controlURL + path]).json
    }

    func count(_ name: String) async throws -> Int? {
        try await control("GET", "/state")?[name]?.int
    }

    /// Waits, at the emulator, for the event that so many requests are held.
    func waitForParked(_ count: Int) async throws {
        _ = try await control("GET", "/faults/parked?at_least=\(count)&timeout_ms=10000")
    }

    /// A bearer and a session without T1 and L1.
    func prepare(user: String = "alice") async throws -> String {
        _ = try await control("POST", "/access-tokens", #"{"token":"static","life":1000}"#)
        let opened = try await control("POST", "/sessions", #"{"user":"\#(user)","device_fingerprint":"phone"}"#)
        return opened?["session_token"]?.string ?? ""
    }

    func refresh(_ token: String, maximum: String = "20") async throws -> CurlResult {
        try await post(
            "/api/v2/tenant/sso/session-token/refresh", bearer: "static", body: Self.device("session_token", token),
            maximum: maximum)
    }

    static func device(_ name: String, _ value: String) -> String {
        #"{"operating_sys_version":"12","device_ip":"192.0.2.1","device_fingerprint":"phone","\#(name)":"\#(value)"}"#
    }
}
