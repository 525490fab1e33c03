// Requests and rules for the value tests, spelled as the tenant documents them.
import TenantEmulator

/// A tenant with its clock: rules under test, and the time that they are told.
struct SampleTenant {
    var rules: TenantRules
    /// Time since 1970.
    var now: Duration = .seconds(1_800_000_000)
    private var requests = 0

    init(_ change: (inout TenantSettings) -> Void = { _ in }) {
        var settings = TenantSettings()
        change(&settings)
        self.rules = TenantRules(settings: settings, seed: 7)
    }

    /// Arrives, is processed and answered, all at once.
    mutating func send(_ request: ReceivedRequest) -> TenantAnswer {
        requests += 1
        let call = TenantCall(request)
        rules.arrived(call, number: requests)
        let answer = rules.process(call, now: now)
        rules.answered(number: requests)
        return answer
    }

    mutating func accessToken() -> String {
        send(.token()).json?["access_token"]?.string ?? ""
    }

    mutating func logIn(_ user: String = "alice", fingerprint: String = "phone") -> String {
        send(.login(user, fingerprint: fingerprint)).json?["session_token"]?.string ?? ""
    }
}

extension TenantAnswer {
    /// `error_code` of a business refusal.
    var code: String? { json?["error_code"]?.string }
    /// `error` of an OAuth refusal.
    var oauthError: String? { json?["error"]?.string }
    var sessionToken: String? { json?["session_token"]?.string }
}

extension ReceivedRequest {
    static func token(
        form: String = "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret",
        query: String = "", headers: [HeaderField] = []
    ) -> ReceivedRequest {
        let type = HeaderField("Content-Type", "application/x-www-form-urlencoded")
        return ReceivedRequest(
            method: "POST", target: "/api/v2/tenant/token" + query, headers: [type] + headers, body: Array(form.utf8))
    }

    static let deviceHeaders = [
        HeaderField("X-operating-sys-version", "Debian 12"), HeaderField("x-agent", "tests"),
        HeaderField("X-CLIENT-ID", "demo-client"),
    ]

    static func login(
        _ user: String, password: String = "demo-password", fingerprint: String = "phone",
        headers: [HeaderField] = deviceHeaders
    ) -> ReceivedRequest {
        let body: JSONValue = .object([
            JSONMember("user_name", .text(user)), JSONMember("password", .text(password)),
        ])
        return ReceivedRequest(
            method: "POST", target: "/api/v2/sdk/login",
            headers: headers + [
                HeaderField("X-device-fingerprint", fingerprint), HeaderField("Content-Type", "application/json"),
            ], body: body.encoded)
    }

    /// T2, T3 or T4 with all device fields.
    static func tenantCall(
        _ name: String, bearer: String, _ field: String, _ value: String, fingerprint: String = "phone"
    ) -> ReceivedRequest {
        tenantCall(
            name, bearer: bearer,
            [
                JSONMember("operating_sys_version", .text("Debian 12")), JSONMember("device_ip", .text("192.0.2.1")),
                JSONMember("device_fingerprint", .text(fingerprint)), JSONMember(field, .text(value)),
            ])
    }

    static func tenantCall(_ name: String, bearer: String, _ members: [JSONMember]) -> ReceivedRequest {
        tenantCall(name, bearer: bearer, body: JSONValue.object(members).encoded)
    }

    static func tenantCall(
        _ name: String, bearer: String, type: String = "application/json;charset=utf8", body: [UInt8]
    ) -> ReceivedRequest {
        ReceivedRequest(
            method: "POST", target: "/api/v2/tenant/sso/" + name,
            headers: [HeaderField("authorization", "Bearer " + bearer), HeaderField("Content-Type", type)], body: body)
    }

    static func refresh(_ bearer: String, _ token: String, fingerprint: String = "phone") -> ReceivedRequest {
        tenantCall("session-token/refresh", bearer: bearer, "session_token", token, fingerprint: fingerprint)
    }

    static func ticket(_ bearer: String, _ token: String, fingerprint: String = "phone") -> ReceivedRequest {
        tenantCall("session-token/sso-ticket", bearer: bearer, "session_token", token, fingerprint: fingerprint)
    }

    static func verify(_ bearer: String, _ ticket: String, fingerprint: String = "phone") -> ReceivedRequest {
        tenantCall("sso-ticket/verify", bearer: bearer, "sso_ticket", ticket, fingerprint: fingerprint)
    }

    static func idToken(
        _ token: String, header: String = "session-token", fingerprint: String = "phone", extra: [HeaderField] = []
    ) -> ReceivedRequest {
        ReceivedRequest(
            method: "POST", target: "/api/v2/sdk/sso/session-token/id-token",
            headers: deviceHeaders + [
                HeaderField("X-device-fingerprint", fingerprint), HeaderField(header, token),
            ] + extra)
    }
}
