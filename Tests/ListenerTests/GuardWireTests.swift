// The rows of the guard (contract 4) as raw bytes on the wire: what each is answered with, and that nothing of it leaves.

import Guard
import Listener
import Model
import Sessions
import TestSupport
import Testing

struct GuardWireTests {
    /// Sends bytes to a listener of its own and returns everything until it closes.
    private func exchange(_ request: [UInt8], _ scene: PipelineScene) async throws -> String {
        try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port)
            // A listener that refuses may close before all of it is taken.
            try? await client.send(request)
            let answer = await client.receiveToEnd()
            await client.close()
            return answer
        }
    }

    private static let echo: ScriptedTransport.Script = { (request, _) throws(TransportError) in
        .json(text(request.body))
    }

    /// A second request behind the first: whoever reads the first one wrongly sends it on.
    private static let smuggled = "POST /pass/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"

    /// The answer is one refusal with this status and code, the connection is over, and nothing reached the tenant.
    private func expectRefusal(
        _ request: [UInt8], _ status: Int, _ code: String,
        _ change: (inout PipelineScene.Settings) throws -> Void = { _ in },
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let scene = try PipelineScene(with: try .changed(change), Self.echo)
        let answer = try await exchange(request + bytes(Self.smuggled), scene)
        let statuses = answer.matches(of: #/HTTP\/1\.1 (\d{3}) /#).map { String($0.1) }
        #expect(statuses == ["\(status)"], "\(text(request)) gave \(answer)", sourceLocation: sourceLocation)
        #expect(
            answer.contains("X-Sidecar-Error: \(code)\r\n") && answer.contains(#"{"error_code":"SIDECAR.\#(code)""#)
                && answer.contains("Connection: close\r\n"), "\(text(request)) gave \(answer)",
            sourceLocation: sourceLocation)
        #expect(scene.transport.requests.isEmpty, sourceLocation: sourceLocation)
    }

    private func get(_ path: String, _ fields: String = "Host: localhost\r\n") -> [UInt8] {
        bytes("GET \(path) HTTP/1.1\r\n\(fields)\r\n")
    }

    /// A line that ends in LF alone, in every place that a line can end.
    @Test(arguments: [
        "GET /pass/x HTTP/1.1\nHost: localhost\r\n\r\n", "GET /pass/x HTTP/1.1\r\nHost: localhost\n\r\n",
        "GET /pass/x HTTP/1.1\r\nHost: localhost\r\n\n", "GET /pass/x HTTP/1.1\nHost: localhost\n\n",
        "GET /pass/x HTTP/1.1\r\nHost: localhost\r\nX: a\nContent-Length: 5\r\n\r\n",
    ])
    func bareLineFeeds(_ request: String) async throws {
        try await expectRefusal(bytes(request), 400, "REQUEST_INVALID")
    }

    @Test(arguments: [
        " GET /pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET\t/pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /pass/x HTTP/1.1 \r\nHost: localhost\r\n\r\n", "GET /pass/x http/1.1\r\nHost: localhost\r\n\r\n",
        "GET /pass/x HTTP/1.1\r\n Host: localhost\r\n\r\n", "GET /pass/\u{0} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET ftp://localhost/pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET http:///pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /pass/x HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "GET /pass/x HTTP/1.1\r\nHost : localhost\r\n\r\n",
        "GET /pass/x HTTP/1.1\r\nHost: localhost\r\nX: a\r b\r\n\r\n",
    ])
    func requestLinesAndFields(_ request: String) async throws {
        try await expectRefusal(bytes(request), 400, "REQUEST_INVALID")
    }

    /// Chunk sizes, extensions and trailers that two programs could read in two ways; the head is good, the body is not.
    @Test(arguments: [
        "ffffffffffffffff1\r\nhi\r\n0\r\n\r\n", "10000000000000002\r\nhi\r\n0\r\n\r\n", "+2\r\nhi\r\n0\r\n\r\n",
        "0x2\r\nhi\r\n0\r\n\r\n", " 2\r\nhi\r\n0\r\n\r\n", "2 \r\nhi\r\n0\r\n\r\n", "2\nhi\r\n0\r\n\r\n",
        "2\r\nhi\n0\r\n\r\n", "2\r\nhi\r\n0\n\r\n", "2;a\nb\r\nhi\r\n0\r\n\r\n", "2;\u{0}\r\nhi\r\n0\r\n\r\n",
        "\r\nhi\r\n0\r\n\r\n", "2\r\nhi\r\n0\r\nX\r\n\r\n", "2\r\nhi\r\n0\r\n X: y\r\n\r\n",
        "2\r\nhi\r\n0\r\nX: a\u{0}\r\n\r\n",
        "2\rhi\r\n0\r\n\r\n",
    ])
    func chunks(_ chunks: String) async throws {
        let scene = try PipelineScene(Self.echo)
        let head = "POST \(PipelineScene.refreshPath) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        let answer = try await exchange(bytes(head + chunks + Self.smuggled), scene)
        #expect(
            answer.hasPrefix("HTTP/1.1 400 ") && !answer.dropFirst(9).contains("HTTP/1.1"), "\(chunks) gave \(answer)")
        #expect(scene.transport.requests.isEmpty)
    }

    /// Endless extensions and trailers end in a refusal, not in memory.
    @Test func floods() async throws {
        let head = "POST \(PipelineScene.refreshPath) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        for flood in [
            head + "1;" + String(repeating: "x", count: 1 << 20) + "\r\nh\r\n0\r\n\r\n",
            head + "0\r\n" + String(repeating: "X: y\r\n", count: 200_000) + "\r\n",
        ] {
            let scene = try PipelineScene(Self.echo)
            let answer = try await exchange(bytes(flood), scene)
            #expect(answer.hasPrefix("HTTP/1.1 4") || answer.isEmpty, "\(answer.prefix(200))")
            #expect(scene.transport.requests.isEmpty)
        }
        try await expectRefusal(
            get("/pass/x", "Host: localhost\r\nX: " + String(repeating: "a", count: 66_000) + "\r\n"), 431,
            "FIELDS_TOO_LARGE")
        try await expectRefusal(
            get("/pass/x", "Host: localhost\r\n" + String(repeating: "X: y\r\n", count: 100)), 431, "FIELDS_TOO_LARGE")
        try await expectRefusal(get("/" + String(repeating: "a", count: 8192)), 414, "TARGET_TOO_LONG")
    }

    @Test(arguments: [
        "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.1", "2130706433", "0.0.0.0", "[::]",
        "localhost:80:80", "user@localhost", "",
    ])
    func hosts(_ host: String) async throws {
        try await expectRefusal(get("/pass/x", "Host: \(host)\r\n"), 421, "HOST_NOT_ALLOWED")
    }

    /// The authority of the target counts, whatever `Host` says.
    @Test func absoluteForm() async throws {
        try await expectRefusal(get("http://evil.example/pass/x"), 421, "HOST_NOT_ALLOWED")
        try await expectRefusal(get("http://user@localhost/pass/x"), 421, "HOST_NOT_ALLOWED")
        let scene = try PipelineScene(Self.echo)
        let answer = try await exchange(
            get("http://localhost:99/pass/x?q", "Host: evil.example\r\nConnection: close\r\n"), scene)
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && scene.transport.requests.map(\.target) == ["/pass/x?q"])
    }

    @Test(arguments: [
        "Origin: http://localhost\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Origin: http://a.example\r\nOrigin: http://b.example\r\n",
    ])
    func browsers(_ fields: String) async throws {
        try await expectRefusal(get("/pass/x", "Host: localhost\r\n" + fields), 403, "BROWSER_REFUSED")
    }

    @Test(arguments: [
        "", "X-Sidecar-Request: false\r\n", "X-Sidecar-Request: true\r\nX-Sidecar-Request: false\r\n",
        "X-Sidecar-Request:\r\n",
    ])
    func requiredHeader(_ field: String) async throws {
        try await expectRefusal(get("/pass/x", "Host: localhost\r\n" + field), 412, "HEADER_REQUIRED") {
            $0.guardPolicy.requiredHeader = ("X-Sidecar-Request", bytes("true"))
        }
    }

    @Test(arguments: [
        "", "X-Sidecar-Token: secre\r\n", "X-Sidecar-Token: secrets\r\n", "X-Sidecar-Token: SECRET\r\n",
        "X-Sidecar-Token: secret\r\nX-Sidecar-Token: secret\r\n",
    ])
    func localToken(_ field: String) async throws {
        try await expectRefusal(get("/pass/x", "Host: localhost\r\n" + field), 401, "CALLER_UNKNOWN") {
            $0.guardPolicy.localToken = try .sample("secret")
        }
    }

    @Test(arguments: [
        "/pass/..;/api", "/pass/../api", "/pass/%2e%2e/api", "/pass/.%2E/api", "/pass/./x", "/pass//x", "//pass/x",
        "/pass/%2fx",
        "/pass/%2Fx", "/pass/%5cx", "/pass/\\x", "/pass/x;y=1", "/pass/x%3by", "/pass/%00", "/pass/%0d%0a", "/pass/%7f",
        "/pass/%", "/pass/%2", "/pass/%zz", "/pass/%252e%252e/x", "/pass/%25", "/pass/x/..", "/pass/x/%2e",
        "/api/v2/tenant/..%2fsdk/x",
    ])
    func ambiguousPaths(_ path: String) async throws {
        try await expectRefusal(get(path), 400, "PATH_AMBIGUOUS")
    }

    @Test(arguments: [
        ("GET", "/"), ("GET", "/metrics"), ("GET", "/api/v1/logout"), ("GET", "/api/v2/tenant"),
        ("GET", "/api/v2/Tenant/x"),
        ("GET", "/API/v2/tenant/x"), ("GET", "/api/v2/tenantx/y"), ("POST", "/api/v2/tenant/token"),
        ("GET", "/api/v2/tenant/token"), ("POST", "/api/v2/tenant/token?grant_type=client_credentials"),
        ("POST", "/api/v2/tenant/%74oken"), ("POST", "/api/v2/tenant/token/"), ("POST", "/api/v2/%74enant/token"),
    ])
    func pathsThatAreNotServed(_ method: String, _ path: String) async throws {
        try await expectRefusal(
            bytes("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n"), 403, "PATH_NOT_ALLOWED")
    }

    /// An escape that stands for a plain letter hides no route: a refresh is one however it is spelled.
    @Test(arguments: ["%72efresh", "refresh/", "refres%68/"])
    func aRefreshByAnotherSpelling(_ spelling: String) async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in .json(#"{"session_token":"T1"}"#) }
        let path = PipelineScene.refreshPath.dropLast("refresh".utf8.count) + spelling
        let answer = try await exchange(
            bytes(
                "POST \(path) HTTP/1.1\r\nHost: localhost\r\nX-Sidecar-User: alice\r\nConnection: close\r\nContent-Length: 22\r\n\r\n{\"session_token\":\"T0\"}"
            ), scene)
        #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
        #expect(scene.transport.requests.map(\.target) == [String(path)])
        #expect(try await scene.sessions.session(.sample("alice"))?.token == (try .sample("T1")))
    }

    @Test(arguments: [
        ("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n", 405, "METHOD_NOT_ALLOWED"),
        ("TRACE /pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "METHOD_NOT_ALLOWED"),
        (
            "GET /pass/x HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 501,
            "UPGRADE_NOT_SUPPORTED"
        ),
        ("GET /pass/x HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c, WebSocket\r\n\r\n", 501, "UPGRADE_NOT_SUPPORTED"),
    ])
    func methodsAndUpgrades(_ request: String, _ status: Int, _ code: String) async throws {
        try await expectRefusal(bytes(request), status, code)
    }

    @Test(arguments: [
        "X-Sidecar-User: a\r\nX-Sidecar-User: a\r\n", "X-Sidecar-User:\r\n", "X-Sidecar-User: a\tb\r\n",
    ])
    func users(_ fields: String) async throws {
        try await expectRefusal(get("/pass/x", "Host: localhost\r\n" + fields), 400, "USER_INVALID")
    }

    /// The same refusal is the same bytes, whatever else the request was (but for the request's own id).
    @Test func aRefusalIsTheSameBytes() async throws {
        var answers: Set<String> = []
        for request in [
            get("/metrics"), get("/x", "X-Other: 1\r\nHost: 127.0.0.1:9\r\n"),
            bytes("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"),
        ] {
            let answer = try await exchange(request, try PipelineScene(Self.echo))
            answers.insert(answer.replacing(#/X-Request-Id: [0-9a-f]{32}/#, with: "X-Request-Id: -"))
        }
        #expect(answers.count == 1, "\(answers)")
    }
}
