// The rows of injection (contract 5): raw bytes in, the request for the tenant out.

import JSONText
import Listener
import Model
import TestSupport
import Testing

struct InjectionWireTests {
    /// What leaves for a request with these lines.
    private func sent(_ method: String, _ path: String, _ fields: [String] = [], _ body: String = "") async throws
        -> SentRequest
    {
        let scene = try PipelineScene { (_, _) throws(TransportError) in .json(#"{"session_token":"T1","expire":9}"#) }
        let lines =
            ["\(method) \(path) HTTP/1.1", "Host: localhost", "Content-Length: \(body.utf8.count)"] + fields + [
                "", body,
            ]
        let head = try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(lines.joined(separator: "\r\n"))
            let head = await client.receive(upTo: "\r\n\r\n")
            await client.close()
            return head
        }
        return try #require(scene.transport.requests.first, "\(head)")
    }

    /// Lower-case names with their values, without the request's names.
    private func fields(_ request: SentRequest) -> [String: [String]] {
        var fields: [String: [String]] = [:]
        for line in request.fields.texts {
            let parts = line.split(separator: ": ", maxSplits: 1)
            fields[parts[0].lowercased(), default: []].append(parts.count > 1 ? String(parts[1]) : "")
        }
        (fields["x-request-id"], fields["traceparent"]) = (nil, nil)
        return fields
    }

    private func member(_ request: SentRequest, _ name: StaticString) -> String? {
        (try? JSONObject(request.body))?.string(name).map { text($0) }
    }

    private let user = "X-Sidecar-User: alice"

    @Test(arguments: [PipelineScene.refreshPath, PipelineScene.ticketPath, PipelineScene.verifyPath])
    func tenantSession(_ path: String) async throws {
        let request = try await sent(
            "POST", path, [user, "Authorization: Bearer app", "authorization: Basic x", "Content-Type: text/plain"],
            #"{"session_token":"T0","sso_ticket":"t"}"#)
        #expect(fields(request)["authorization"] == ["Bearer ACCESS"])
        #expect(fields(request)["content-type"] == ["application/json"])
        #expect(fields(request)["x-sidecar-user"] == nil)
        for name in ["x-device-fingerprint", "x-device-ip", "x-agent", "x-operating-sys-version"] {
            #expect(fields(request)[name] == nil)
        }
        for name: StaticString in ["operating_sys_version", "device_ip", "agent", "device_fingerprint"] {
            #expect(member(request, name)?.isEmpty == false)
        }
        #expect(member(request, "session_token") == "T0")
    }

    /// Streamed as it is, with the bearer alone.
    @Test func tenant() async throws {
        let request = try await sent(
            "PUT", "/api/v2/tenant/users/1?a=%20b", [user, "Authorization: Bearer app", "Content-Type: text/csv"],
            "not, json")
        #expect(request.target == "/api/v2/tenant/users/1?a=%20b" && text(request.body) == "not, json")
        #expect(
            fields(request) == [
                "authorization": ["Bearer ACCESS"], "content-type": ["text/csv"], "accept-encoding": ["identity"],
            ])
    }

    /// W3C trace context: the app's own passes, else one is started; never both, and never another's state.
    @Test(arguments: [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false), ("nonsense", false), ("", false),
    ])
    func traces(_ given: String, _ isValid: Bool) async throws {
        let request = try await sent("GET", "/pass/x", [user, "traceparent: \(given)", "tracestate: a=b"])
        let parents = request.fields.values("traceparent").map { text($0) }
        #expect(
            parents.count == 1 && parents[0].wholeMatch(of: #/\w\w-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.*/#) != nil)
        #expect((parents[0] == given) == isValid)
        #expect(request.fields.values("tracestate").map { text($0) } == (isValid ? ["a=b"] : []))
    }

    @Test func sdk() async throws {
        let request = try await sent(
            "POST", "/api/v2/sdk/sms/send", [user, "Authorization: Bearer id-token", "X-L: zh"], #"{"mobile":"1"}"#)
        let all = fields(request)
        #expect(all["authorization"] == ["Bearer id-token"] && all["x-l"] == ["zh"])
        #expect(all["x-operating-sys-version"] == ["OS"] && all["x-agent"] == ["agent"])
        #expect(all["x-device-ip"] == ["192.0.2.1"] && all["x-client-id"] == ["public-id"])
        #expect(all["x-device-fingerprint"]?.count == 1 && text(request.body) == #"{"mobile":"1"}"#)
        let without = try await sent("GET", "/api/v3/sdk/server-date")
        #expect(fields(without)["authorization"] == nil)
    }

    @Test func passthrough() async throws {
        let request = try await sent("POST", "/pass/x", [user, "Authorization: Bearer app", "Cookie: a=b"], "x")
        #expect(fields(request) == ["authorization": ["Bearer app"], "cookie": ["a=b"]])
    }

    @Test(arguments: ["session-token: T0", "SESSION-TOKEN: T0", "session-token:T0"])
    func exchange(_ field: String) async throws {
        let request = try await sent("POST", "/api/v2/sdk/sso/session-token/id-token", [user, field])
        #expect(fields(request)["session-token"] == ["T0"] && fields(request)["authorization"] == nil)
    }

    /// What the app sends of its own wins, but for the fingerprint of a session that is pinned.
    @Test func theAppsDeviceValuesInTheBody() async throws {
        let request = try await sent(
            "POST", PipelineScene.refreshPath, [user, "User-Agent: ignored"],
            #"{"session_token":"T0","operating_sys_version":"iOS","device_ip":"2001:db8::1","agent":"agent:App","device_fingerprint":"phone"}"#
        )
        #expect(member(request, "operating_sys_version") == "iOS" && member(request, "device_ip") == "2001:db8::1")
        #expect(member(request, "agent") == "agent:App" && member(request, "device_fingerprint") == "phone")
    }

    @Test func theAppsDeviceValuesInHeaderFields() async throws {
        let request = try await sent(
            "POST", PipelineScene.loginPath,
            [
                user, "X-Operating-Sys-Version: iOS", "x-device-ip: 2001:db8::1", "X-AGENT: agent:App",
                "X-Client-Id: own",
                "X-Device-Fingerprint: phone", "User-Agent: ignored",
            ], "{}")
        let all = fields(request)
        #expect(all["x-operating-sys-version"] == ["iOS"] && all["x-device-ip"] == ["2001:db8::1"])
        #expect(all["x-agent"] == ["agent:App"] && all["x-client-id"] == ["own"])
        #expect(all["x-device-fingerprint"] == ["phone"])
    }

    /// Empty and null count as not sent.
    @Test func emptyValuesAreFilled() async throws {
        let request = try await sent(
            "POST", PipelineScene.refreshPath, [user],
            #"{"session_token":"T0","operating_sys_version":"","device_ip":null,"device_fingerprint":""}"#)
        #expect(member(request, "operating_sys_version") == "OS" && member(request, "device_ip") == "192.0.2.1")
        #expect(member(request, "device_fingerprint")?.utf8.count == 32)
    }

    @Test(arguments: [
        (["X-Forwarded-For: unknown, 203.0.113.9, 10.0.0.1", "X-Real-IP: 198.51.100.1"], "203.0.113.9"),
        (["X-Forwarded-For: 203.0.113.9:4711", "X-Real-IP: 198.51.100.1"], "198.51.100.1"),
        (["X-Forwarded-For: 2001:db8::9"], "2001:db8::9"),
        (["X-Forwarded-For:", "X-Forwarded-For: 203.0.113.9"], "203.0.113.9"),
        (["X-Real-IP: nonsense"], "192.0.2.1"), ([], "192.0.2.1"),
    ])
    func theEndUsersAddress(_ lines: [String], _ expected: String) async throws {
        let request = try await sent("POST", PipelineScene.refreshPath, [user] + lines, #"{"session_token":"T0"}"#)
        #expect(member(request, "device_ip") == expected)
    }

    /// The agent is the app's User-Agent, verbatim.
    @Test func theAgent() async throws {
        let agent = "agent:Mozilla/5.0 (\\\"x\")"
        let body = try await sent(
            "POST", PipelineScene.refreshPath, [user, "User-Agent: " + agent], #"{"session_token":"T0"}"#)
        #expect(member(body, "agent") == agent)
        let header = try await sent("POST", PipelineScene.loginPath, [user, "User-Agent: " + agent], "{}")
        #expect(fields(header)["x-agent"] == [agent])
    }

    /// Exactly one of each injected field goes out, however the app spells its own; and none that `Connection` names.
    @Test func collidingFields() async throws {
        let request = try await sent(
            "POST", PipelineScene.loginPath,
            [
                user, "X_Device_Fingerprint: a", "x_agent: b", "X-CLIENT_ID: c", "X-Sidecar-Anything: 1",
                "x_sidecar_user: 2",
                "Connection: X-Hop, keep-alive", "X-Hop: 1", "x_hop: 2", "Keep-Alive: 5", "TE: trailers", "Trailer: X",
                "Proxy-Authorization: Basic x",
            ], "{}")
        let names = request.fields.texts.map { $0.split(separator: ":")[0].lowercased().replacing("_", with: "-") }
        for name in ["x-device-fingerprint", "x-agent", "x-client-id"] {
            #expect(names.filter { $0 == name }.count == 1, "\(name)")
        }
        for name in [
            "x-hop", "keep-alive", "te", "trailer", "proxy-authorization", "connection", "host", "content-length",
        ] {
            #expect(!names.contains(name), "\(name)")
        }
        #expect(!names.contains { $0.hasPrefix("x-sidecar-") })
    }

    @Test func anEmptyBodyCountsAsAnEmptyObject() async throws {
        let request = try await sent("POST", PipelineScene.verifyPath, [user])
        #expect(member(request, "device_fingerprint") != nil && request.body.first == UInt8(ascii: "{"))
    }

    /// The requirement and the caller's token are between app and sidecar.
    @Test func theGuardsOwnFieldsStayHere() async throws {
        let request = try await sent(
            "GET", "/pass/x", [user, "X-Sidecar-Token: secret", "X-Sidecar-Request: true", "x_sidecar_token: secret"])
        #expect(fields(request).isEmpty)
    }
}
