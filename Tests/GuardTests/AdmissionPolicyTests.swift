// Every check of the guard, and the order they come in.

import Guard
import Model
import TestSupport
import Testing

struct AdmissionPolicyTests {
    private func head(
        _ method: String = "POST", _ target: String = "/api/v2/tenant/x",
        _ fields: KeyValuePairs<String, String> = ["Host": "localhost"]
    ) -> RequestHead {
        RequestHead(method: bytes(method), target: bytes(target), fields: HeaderFields(fields), peer: nil)
    }

    private func refusal(_ head: RequestHead, _ change: (inout AdmissionPolicy) -> Void = { _ in }) -> GuardRefusal? {
        var policy = AdmissionPolicy()
        change(&policy)
        do {
            _ = try policy.admit(head)
            return nil
        } catch { return error }
    }

    @Test(arguments: ["localhost", "LOCALHOST:8180", "127.0.0.1", "127.8.8.8:1", "[::1]:8180", "side.example:99"])
    func allowedHosts(_ host: String) {
        #expect(refusal(head("GET", "/a", ["Host": host])) { $0.hosts = HostPolicy(names: ["Side.Example"]) } == nil)
    }

    @Test(arguments: [
        "example.com", "127.0.0.1.example.com", "127.0.0.256", "127.1", "[::1", "[::1]x", "localhost:x", "", ":80",
        "0.0.0.0",
        "evil@localhost",
    ])
    func refusedHosts(_ host: String) { #expect(refusal(head("GET", "/a", ["Host": host])) == .hostNotAllowed) }

    @Test func exactlyOneHost() {
        #expect(refusal(head("GET", "/a", [:])) == .malformed)
        #expect(refusal(head("GET", "/a", ["Host": "localhost", "host": "localhost"])) == .malformed)
        // An absolute-form target counts with its own authority.
        #expect(refusal(head("GET", "http://evil.example/a")) == .hostNotAllowed)
        #expect(refusal(head("GET", "http://localhost/a", ["Host": "evil.example"])) == nil)
    }

    @Test func browsers() {
        let host = "localhost"
        #expect(refusal(head("GET", "/a", ["Host": host, "Origin": "http://x"])) == .browserRefused)
        #expect(refusal(head("GET", "/a", ["Host": host, "Sec-Fetch-Site": "cross-site"])) == .browserRefused)
        #expect(refusal(head("GET", "/a", ["Host": host, "Sec-Fetch-Site": "same-site"])) == .browserRefused)
        #expect(refusal(head("GET", "/a", ["Host": host, "Sec-Fetch-Site": "none"])) == nil)
        let allowed = head("GET", "/a", ["Host": host, "Origin": "http://x", "Sec-Fetch-Site": "cross-site"])
        #expect(refusal(allowed) { $0.origins = [bytes("http://x")] } == nil)
        #expect(refusal(allowed) { $0.origins = [bytes("http://X")] } == .browserRefused)
    }

    @Test func requiredHeader() {
        let value: (inout AdmissionPolicy) -> Void = { $0.requiredHeader = ("X-Sidecar-Request", bytes("true")) }
        #expect(refusal(head(), value) == .headerRequired)
        #expect(
            refusal(head("GET", "/a", ["Host": "localhost", "x-sidecar-request": "TRUE"]), value) == .headerRequired)
        #expect(refusal(head("GET", "/a", ["Host": "localhost", "x-sidecar-request": "true"]), value) == nil)
        let two = head("GET", "/a", ["Host": "localhost", "x-sidecar-request": "true", "X-Sidecar-Request": "no"])
        #expect(refusal(two, value) == .headerRequired)
        #expect(
            refusal(head("GET", "/a", ["Host": "localhost", "x-a": ""])) { $0.requiredHeader = ("X-A", nil) } == nil)
    }

    @Test func callerToken() throws {
        let secret = try SecretText.sample("s3cret")
        let policy: (inout AdmissionPolicy) -> Void = { $0.localToken = secret }
        #expect(refusal(head(), policy) == .callerUnknown)
        for wrong in ["s3cre", "s3creT", "s3cret ", "Bearer s3cret"] {
            #expect(
                refusal(head("GET", "/a", ["Host": "localhost", "X-Sidecar-Token": wrong]), policy) == .callerUnknown)
        }
        #expect(refusal(head("GET", "/a", ["Host": "localhost", "X-Sidecar-Token": "s3cret"]), policy) == nil)
        let twice = head("GET", "/a", ["Host": "localhost", "X-Sidecar-Token": "s3cret", "x-sidecar-token": "s3cret"])
        #expect(refusal(twice, policy) == .callerUnknown)
    }

    @Test func usersAndPaths() throws {
        let named = head("GET", "/a", ["Host": "localhost", "x-sidecar-user": "alice/phone"])
        #expect(try AdmissionPolicy().admit(named).user == .sample("alice/phone"))
        #expect(refusal(head("GET", "/a", ["Host": "localhost", "X-Sidecar-User": ""])) == .userInvalid)
        #expect(
            refusal(head("GET", "/a", ["Host": "localhost", "X-Sidecar-User": "a", "x-sidecar-user": "a"]))
                == .userInvalid)
        #expect(refusal(head("GET", "/a/../b")) == .pathAmbiguous)
        // A user key in the local API may hold any escape.
        #expect(refusal(head("GET", "/sidecar/v1/users/a%2Fb%00/session-token")) == nil)
    }

    @Test func methodsAndSizes() {
        #expect(refusal(head("CONNECT", "localhost:1")) == .methodNotAllowed)
        #expect(refusal(head("TRACE", "/a")) == .methodNotAllowed)
        #expect(refusal(head("GET", "/a", ["Host": "localhost", "Upgrade": "h2c, WebSocket"])) == .upgradeNotSupported)
        #expect(refusal(head("GET", "/a", ["Host": "localhost", "Upgrade": "h2c"])) == nil)
        #expect(refusal(head("GET", "/" + String(repeating: "a", count: 8191))) == nil)
        #expect(refusal(head("GET", "/" + String(repeating: "a", count: 8192))) == .targetTooLong)
        #expect(
            refusal(head("GET", "/a", ["Host": "localhost", "X": String(repeating: "a", count: 65_536)]))
                == .fieldsTooLarge)
        var many = HeaderFields(["Host": "localhost"])
        for _ in 0..<100 { many.append("X-A", "1") }
        #expect(
            refusal(RequestHead(method: bytes("GET"), target: bytes("/a"), fields: many, peer: nil)) == .fieldsTooLarge)
    }

    /// A request with everything wrong gets the first refusal, whatever the order of its fields.
    @Test func theOrderIsFixed() throws {
        let secret = try SecretText.sample("x")
        let policy: (inout AdmissionPolicy) -> Void = {
            $0.localToken = secret
            $0.requiredHeader = ("X-A", nil)
        }
        #expect(
            refusal(head("GET", "/a//b", ["Origin": "http://x", "X-Sidecar-User": "", "Host": "evil"]), policy)
                == .hostNotAllowed)
        #expect(
            refusal(head("GET", "/a//b", ["X-Sidecar-User": "", "Origin": "http://x", "Host": "localhost"]), policy)
                == .browserRefused)
        #expect(refusal(head("GET", "/a//b", ["X-Sidecar-User": "", "Host": "localhost"]), policy) == .headerRequired)
        #expect(
            refusal(head("GET", "/a//b", ["X-A": "", "X-Sidecar-User": "", "Host": "localhost"]), policy)
                == .callerUnknown)
    }
}
