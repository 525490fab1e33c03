// What leaves for the tenant: fields and bodies, byte for byte.

import Injection
import JSONText
import Model
import Tenant
import TestSupport
import Testing

struct CredentialInjectorTests {
    private let injector = CredentialInjector(
        forwarded: ForwardedFields(dropped: [.sidecarUser, "X-Required"]), contentType: bytes("application/json"),
        clientID: bytes("public-id"), tenantID: nil)
    private let refresh = Route(row: "T2", family: .tenant, devices: .body, token: .body, session: .rotates)
    private let other = Route(row: "tenant", family: .tenant)
    private let sdk = Route(row: "sdk", family: .sdk, devices: .header)

    private func credentials(accessToken: String? = "ACCESS", token: String? = "SESSION") throws -> Credentials {
        Credentials(
            accessToken: try accessToken.map { try .sample($0) },
            device: DeviceFacts(
                operatingSystem: bytes("Debian \"12\""), address: bytes("192.0.2.7"), agent: bytes("app/1"),
                fingerprint: try .sample("FP")),
            sessionToken: try token.map { try .sample($0) }, requestID: bytes("id-1"))
    }

    @Test func refreshBody() throws {
        let object = try JSONObject(
            bytes(
                #"{"keep":1.0,"device_fingerprint":"app","device_ip":"203.0.113.9","agent":"","session_token":"OLD"}"#))
        #expect(
            text(injector.body(object, for: refresh, try credentials()))
                == #"{"keep":1.0,"device_fingerprint":"FP","device_ip":"203.0.113.9","agent":"app/1","session_token":"SESSION","operating_sys_version":"Debian \"12\""}"#
        )
    }

    @Test func valuesThatAreNoneDoNotWin() throws {
        let object = try JSONObject(bytes(#"{"device_ip":null,"operating_sys_version":"","agent":{"x":1}}"#))
        #expect(
            text(injector.body(object, for: refresh, try credentials(token: nil)))
                == #"{"device_ip":"192.0.2.7","operating_sys_version":"Debian \"12\"","agent":{"x":1},"device_fingerprint":"FP"}"#
        )
    }

    @Test func tenantFields() throws {
        let fields = HeaderFields([
            "Host": "localhost", "Authorization": "Bearer app", "authorization": "Basic x", "X-Sidecar-User": "alice",
            "x_sidecar_token": "t",
            "X-Required": "yes", "Connection": "close, X-Named", "x-named": "1", "Keep-Alive": "5", "TE": "trailers",
            "Upgrade": "h2c",
            "HTTP2-Settings": "x", "Proxy-Authorization": "p", "Transfer-Encoding": "chunked", "Expect": "100-continue",
            "Content-Length": "5",
            "Content-Type": "text/plain", "Cookie": "a=b", "X-Request-Id": "mine", "X_Request_Id": "other",
            "Accept": "*/*",
        ])
        #expect(
            injector.fields(fields, for: refresh, try credentials()).texts == [
                "Cookie: a=b", "Accept: */*", "X-Request-Id: id-1", "Accept-Encoding: identity",
                "Authorization: Bearer ACCESS",
                "Content-Type: application/json",
            ])
        #expect(
            injector.fields(fields, for: other, try credentials()).texts == [
                "Content-Type: text/plain", "Cookie: a=b", "Accept: */*", "X-Request-Id: id-1",
                "Accept-Encoding: identity",
                "Authorization: Bearer ACCESS",
            ])
    }

    @Test func anAbsentAccessTokenStillDropsTheAppsOwn() throws {
        let none = try credentials(accessToken: nil)
        #expect(
            injector.fields(HeaderFields(["Authorization": "Bearer app"]), for: other, none).first(.authorization)
                == nil)
    }

    @Test func sdkFields() throws {
        let fields = HeaderFields([
            "Authorization": "Bearer id-token", "X_Device_Fingerprint": "app", "x-agent": "own", "X-client-id": "",
        ])
        #expect(
            injector.fields(fields, for: sdk, try credentials()).texts == [
                "Authorization: Bearer id-token", "X-Request-Id: id-1", "Accept-Encoding: identity",
                "X-operating-sys-version: Debian \"12\"",
                "X-device-ip: 192.0.2.7",
                "X-agent: own", "X-client-id: public-id", "X-device-fingerprint: FP",
            ])
    }

    @Test func deviceValues() throws {
        let defaults = DeviceDefaults(
            operatingSystem: bytes("os"), address: bytes("198.51.100.1"), agent: bytes("default"))
        func facts(_ fields: KeyValuePairs<String, String>, peer: String? = nil) throws -> (ip: String, agent: String) {
            let facts = defaults.facts(
                fields: HeaderFields(fields), peer: peer.map { bytes($0) }, fingerprint: try .sample("FP"))
            return (text(facts.address), text(facts.agent))
        }
        #expect(
            try facts(["X-Forwarded-For": "unknown, 203.0.113.9, 10.0.0.1", "X-Real-IP": "192.0.2.1"]).ip
                == "203.0.113.9")
        #expect(try facts(["X-Forwarded-For": "999.1.1.1", "X-Real-IP": "2001:db8::1"]).ip == "2001:db8::1")
        #expect(try facts(["X-Real-IP": "not-an-address"], peer: "192.0.2.2").ip == "192.0.2.2")
        #expect(try facts([:]).ip == "198.51.100.1")
        #expect(try facts(["User-Agent": "agent:Mozilla/5.0"]).agent == "agent:Mozilla/5.0")
        #expect(try facts([:]).agent == "default")
    }

    @Test func ourTokenIsBlankedInErrors() throws {
        let scrubbed = AnswerScrubber.blank(try .sample("S-1"), in: bytes("Access token expired:S-1 S-1 to S-1k"))
        #expect(text(scrubbed) == "Access token expired:*** *** to ***k")
        #expect(
            try AnswerScrubber.blank(.sample("longer than the body".replacing(" ", with: "-")), in: bytes("x"))
                == bytes("x"))
    }

    /// `X-tenant-id` (ISV callers) goes to both families; the app's own value passes; what only passes through gets none.
    @Test func tenantID() throws {
        let injector = CredentialInjector(
            forwarded: ForwardedFields(dropped: []), contentType: bytes("application/json"), clientID: nil,
            tenantID: bytes("isv"))
        func sent(_ route: Route, _ fields: HeaderFields = HeaderFields()) throws -> [String] {
            injector.fields(fields, for: route, try credentials()).values("X-tenant-id").map { text($0) }
        }
        for route in [refresh, other, sdk] {
            #expect(try sent(route) == ["isv"])
            #expect(try sent(route, HeaderFields(["x_tenant_id": "other"])) == ["isv"])
            #expect(try sent(route, HeaderFields(["x-tenant-id": "own"])) == ["own"])
            #expect(try sent(route, HeaderFields(["x-tenant-id": ""])) == ["isv"])
        }
        #expect(try sent(Route(row: "passthrough", family: .passthrough)) == [])
    }
}
