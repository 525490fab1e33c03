// What the tenant refuses about the form of T2, T3 and T4, and in which order.
import TenantEmulator
import Testing

struct RequestFormTests {
    private static let path = "session-token/refresh"

    private static func members(_ session: String) -> [JSONMember] {
        [
            JSONMember("operating_sys_version", .text("Debian 12")), JSONMember("device_ip", .text("192.0.2.1")),
            JSONMember("device_fingerprint", .text("phone")), JSONMember("session_token", .text(session)),
        ]
    }

    @Test(arguments: ["operating_sys_version", "device_ip", "device_fingerprint"])
    func everyDeviceFieldIsRequired(name: String) {
        var tenant = SampleTenant()
        let (bearer, session) = (tenant.accessToken(), tenant.logIn())
        let others = Self.members(session).filter { $0.name != ExactText(name) }
        for value in [nil, JSONValue.text(""), .null, .integer(5)] {
            let members = others + (value.map { [JSONMember(name, $0)] } ?? [])
            let answer = tenant.send(.tenantCall(Self.path, bearer: bearer, members))
            #expect(answer.status == 400)
            #expect(answer.code == "IDAAS.SDK.PARAM.0001")
        }
        #expect(tenant.rules.counters.missingDeviceFields == 4)
        #expect(tenant.send(.refresh(bearer, session)).status == 200)
    }

    @Test func theBearerComesBeforeTheDeviceFieldsAndTheyBeforeTheSession() {
        var tenant = SampleTenant()
        let bearer = tenant.accessToken()
        let nothing = tenant.send(.tenantCall(Self.path, bearer: "wrong", []))
        #expect(nothing.oauthError == "invalid_token")
        #expect(tenant.rules.counters.missingDeviceFields == 0)
        let noDevice = tenant.send(
            .tenantCall(Self.path, bearer: bearer, [JSONMember("session_token", .text("unknown"))]))
        #expect(noDevice.code == "IDAAS.SDK.PARAM.0001")
        #expect(tenant.rules.counters.unknownSessions == 0)
    }

    @Test(arguments: [
        "", "[]", "{", #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"{"a":1,}"#, #"{"a":01}"#, #"{"a":"\ud800"}"#,
        "{\"a\":\"\u{1}\"}", #"{"a":1} x"#, #"{a:1}"#,
    ])
    func invalidBodiesAre1006(body: String) {
        var tenant = SampleTenant()
        let bearer = tenant.accessToken()
        let answer = tenant.send(.tenantCall(Self.path, bearer: bearer, body: Array(body.utf8)))
        #expect(answer.status == 400)
        #expect(answer.code == "SDK.COMMON.1006")
    }

    @Test(arguments: [
        ("application/json", true), ("Application/JSON ; charset=UTF-8", true), ("application/json;charset=utf8", true),
        ("text/plain", false), ("application/jsonx", false), ("application/x-www-form-urlencoded", false),
    ])
    func theContentTypeHasToBeJSON(type: String, accepted: Bool) {
        var tenant = SampleTenant()
        let (bearer, session) = (tenant.accessToken(), tenant.logIn())
        let body = JSONValue.object(Self.members(session)).encoded
        let answer = tenant.send(.tenantCall(Self.path, bearer: bearer, type: type, body: body))
        #expect((answer.status == 200) == accepted)
        #expect(accepted || answer.code == "SDK.COMMON.1007")
    }

    @Test func unknownFieldsAndNestedDuplicatesDoNotMatter() {
        var tenant = SampleTenant()
        let (bearer, session) = (tenant.accessToken(), tenant.logIn())
        let odd: JSONValue = .object([JSONMember("a", .number("1e400")), JSONMember("a", .null)])
        let members = Self.members(session) + [JSONMember("extra", odd)]
        #expect(tenant.send(.tenantCall(Self.path, bearer: bearer, members)).status == 200)
    }

    @Test func otherPathsAre404AndOtherMethods405() {
        var tenant = SampleTenant()
        for path in ["/", "/api/v2/tenant/sso/session-token/refresh/", "/API/v2/sdk/login", "/api/v2/tenant/echoes"] {
            let answer = tenant.send(ReceivedRequest(method: "POST", target: path))
            #expect(answer.status == 404)
            #expect(answer.code != nil)
        }
        #expect(tenant.send(ReceivedRequest(method: "GET", target: "/api/v2/sdk/login")).status == 405)
    }

    @Test func theEchoShowsWhatWasReceived() {
        var tenant = SampleTenant()
        let bearer = tenant.accessToken()
        let headers = [
            HeaderField("AUTHORIZATION", "bearer " + bearer), HeaderField("X-B", "2"), HeaderField("x-a", ""),
        ]
        let answer = tenant.send(
            ReceivedRequest(method: "PATCH", target: "/api/v2/tenant/echo/a%2Fb?c=d", headers: headers, body: [0, 255]))
        #expect(answer.json?["method"]?.string == "PATCH")
        #expect(answer.json?["path"]?.string == "/api/v2/tenant/echo/a%2Fb?c=d")
        #expect(answer.json?["headers"]?.items?.map { $0[0]?.string } == ["AUTHORIZATION", "X-B", "x-a"])
        #expect(answer.json?["body_base64"]?.string == "AP8=")
        #expect(tenant.send(ReceivedRequest(method: "GET", target: "/api/v2/sdk/echo")).status == 200)
    }
}
