// L1 and the device headers of the SDK family.
import TenantEmulator
import Testing

struct LoginRulesTests {
    @Test func aLoginAnswersASession() {
        var tenant = SampleTenant()
        let answer = tenant.send(.login("alice"))
        #expect(answer.status == 200)
        #expect(answer.json?["status"]?.string == "SUCCESS")
        #expect(answer.json?["expire"]?.int == 43200)
        #expect(answer.json?["id_token"]?.string != nil)
        #expect(answer.sessionToken?.utf8.count == 32)
        #expect(answer.sessionToken?.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } == true)
        #expect(answer.user == "alice" && answer.generation == 0)
    }

    @Test func aWrongPasswordIsCountedAndOpensNothing() {
        var tenant = SampleTenant()
        let answer = tenant.send(.login("alice", password: "demo-passwor\u{64}\u{301}"))
        #expect(answer.status == 400)
        #expect(answer.code == "SDK.LOGIN.1005")
        #expect(tenant.rules.counters.loginFailures == 1)
        #expect(tenant.rules.newestSession(of: "alice") == nil)
    }

    @Test(arguments: [("mfa-alice", "MFA_AUTH"), ("expired-bob", "PASSWORD_EXPIRED")])
    func flowsAre200WithoutASession(user: String, status: String) throws {
        var tenant = SampleTenant()
        let answer = tenant.send(.login(user))
        #expect(answer.status == 200)
        #expect(answer.json?["status"]?.string == status)
        #expect(answer.json?["state_token"]?.string != nil)
        #expect(answer.sessionToken == nil)
        let data = try #require(answer.json?["data"]?.string)
        #expect(throws: Never.self) { try JSONReading.object(Array(data.utf8)) }
        #expect(tenant.rules.counters.loginFlows == 1)
        #expect(tenant.rules.counters.logins == 0)
    }

    @Test(arguments: ["X-operating-sys-version", "x-agent"])
    func aMissingDeviceHeaderIsRefused(name: String) {
        var tenant = SampleTenant()
        let answer = tenant.send(
            .login("alice", headers: ReceivedRequest.deviceHeaders.filter { !$0.isNamed(name) }))
        #expect(answer.status == 400)
        #expect(answer.code == "IDAAS.SDK.PARAM.0001")
        #expect(tenant.rules.counters.missingDeviceFields == 1)
    }

    @Test func anEmptyFingerprintAMissingClientAndAnotherClientAreRefused() {
        var tenant = SampleTenant()
        #expect(tenant.send(.login("alice", fingerprint: "")).code == "IDAAS.SDK.PARAM.0001")
        let without = ReceivedRequest.deviceHeaders.filter { !$0.isNamed("x-client-id") }
        #expect(tenant.send(.login("alice", headers: without)).code == "IDAAS.SDK.PARAM.0002")
        let other = without + [HeaderField("X-client-id", "other")]
        #expect(tenant.send(.login("alice", headers: other)).code == "IDAAS.SDK.PARAM.0003")
    }

    @Test func aDeviceHeaderGivenTwiceIsRefused() {
        var tenant = SampleTenant()
        let twice = ReceivedRequest.deviceHeaders + [HeaderField("X-Agent", "other")]
        #expect(tenant.send(.login("alice", headers: twice)).code == "SDK.COMMON.1006")
    }

    @Test func sessionsOfOneUserLiveBesideEachOther() {
        var tenant = SampleTenant()
        let bearer = tenant.accessToken()
        let phone = tenant.logIn(fingerprint: "phone")
        let desk = tenant.logIn(fingerprint: "desk")
        #expect(tenant.send(.refresh(bearer, phone, fingerprint: "phone")).status == 200)
        #expect(tenant.send(.refresh(bearer, desk, fingerprint: "desk")).status == 200)
        #expect(tenant.rules.newestSession(of: "alice")?.fingerprint == "desk")
    }

    @Test func namesThatLookAlikeAreTwoUsers() {
        var tenant = SampleTenant()
        _ = tenant.logIn("caf\u{E9}")
        #expect(tenant.rules.newestSession(of: ExactText("cafe\u{301}")) == nil)
    }
}
