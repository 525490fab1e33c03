// T2 and S1: one token, one use.
import TenantEmulator
import Testing

struct RotationRulesTests {
    @Test func aRefreshHandsOutTheNextGeneration() {
        var tenant = SampleTenant()
        let (bearer, first) = (tenant.accessToken(), tenant.logIn())
        let answer = tenant.send(.refresh(bearer, first))
        #expect(answer.status == 200)
        #expect(answer.sessionToken != first)
        #expect(answer.json?["expire"]?.int == 43200)
        #expect(answer.json?["id_token"] == nil)
        #expect(answer.user == "alice" && answer.generation == 0)
        let session = tenant.rules.newestSession(of: "alice")
        #expect(session?.generation == 1)
        #expect(session?.tokens.map(\.text) == [first, answer.sessionToken ?? ""])
    }

    @Test func aUsedTokenIsRefusedAndCountedAndTheSessionLivesOn() {
        var tenant = SampleTenant()
        let (bearer, first) = (tenant.accessToken(), tenant.logIn())
        let second = tenant.send(.refresh(bearer, first)).sessionToken ?? ""
        for stale in [
            tenant.send(.refresh(bearer, first)), tenant.send(.ticket(bearer, first)),
            tenant.send(.idToken(first)),
        ] {
            #expect(stale.status == 400)
            #expect(stale.code == "IDAAS.SDK.PARAM.0023")
            #expect(stale.outcome == "session_reused")
        }
        #expect(tenant.rules.counters.reuse == 3)
        #expect(tenant.send(.refresh(bearer, second)).status == 200)
    }

    @Test(arguments: [(AnswerShape.ciam, "session-token"), (.eiam, "X-session-token")])
    func anIDTokenCallRotatesToo(shape: AnswerShape, header: String) {
        var tenant = SampleTenant { $0.shape = shape }
        let (bearer, first) = (tenant.accessToken(), tenant.logIn())
        let answer = tenant.send(.idToken(first, header: header))
        #expect(answer.status == 200)
        #expect(answer.json?["id_token"]?.string != nil)
        #expect(tenant.send(.refresh(bearer, first)).code == "IDAAS.SDK.PARAM.0023")
        #expect(tenant.send(.refresh(bearer, answer.sessionToken ?? "")).status == 200)
        #expect(tenant.rules.counters.idTokens == 1)
    }

    @Test(arguments: [(AnswerShape.ciam, "X-session-token"), (.eiam, "session-token"), (.oneaccess, "X-session-token")])
    func anotherEditionsHeaderIsNone(shape: AnswerShape, header: String) {
        var tenant = SampleTenant { $0.shape = shape }
        #expect(tenant.send(.idToken(tenant.logIn(), header: header)).outcome == "session_missing")
    }

    @Test func twoSessionHeadersAreRefused() {
        var tenant = SampleTenant()
        let first = tenant.logIn()
        let answer = tenant.send(.idToken(first, extra: [HeaderField("X-session-token", first)]))
        #expect(answer.code == "SDK.COMMON.1001")
        #expect(tenant.send(.idToken(first)).status == 200)
    }

    @Test func theExpiryCountsFromTheLastRotation() {
        var tenant = SampleTenant { $0.sessionLife = 100 }
        tenant.rules.registerAccessToken("bearer", life: 100_000, now: tenant.now)
        let first = tenant.logIn()
        tenant.now += .seconds(99)
        let second = tenant.send(.refresh("bearer", first)).sessionToken ?? ""
        tenant.now += .seconds(99)
        #expect(tenant.send(.ticket("bearer", second)).status == 200)
        tenant.now += .seconds(1)
        let late = tenant.send(.refresh("bearer", second))
        #expect(late.code == "IDAAS.SDK.PARAM.0023")
        #expect(late.outcome == "session_expired")
        #expect(tenant.rules.counters.unknownSessions == 1)
    }

    @Test func unknownAndEndedSessionsAre0023() {
        var tenant = SampleTenant()
        let (bearer, first) = (tenant.accessToken(), tenant.logIn())
        #expect(tenant.send(.refresh(bearer, "never-issued")).outcome == "session_unknown")
        #expect(tenant.rules.endSessions(of: "alice") == 1)
        #expect(tenant.rules.endSessions(of: "alice") == 0)
        let ended = tenant.send(.refresh(bearer, first))
        #expect(ended.code == "IDAAS.SDK.PARAM.0023")
        #expect(ended.outcome == "session_ended")
        #expect(tenant.rules.counters.unknownSessions == 2)
        #expect(tenant.rules.counters.reuse == 0)
        let again = tenant.logIn()
        #expect(tenant.send(.refresh(bearer, again)).status == 200)
    }

    @Test func anotherFingerprintIsRefusedAndConsumesNothing() {
        var tenant = SampleTenant()
        let (bearer, first) = (tenant.accessToken(), tenant.logIn())
        for refused in [
            tenant.send(.refresh(bearer, first, fingerprint: "other")),
            tenant.send(.ticket(bearer, first, fingerprint: "PHONE")),
            tenant.send(.idToken(first, fingerprint: "phone2")),
        ] {
            #expect(refused.status == 400)
            #expect(refused.code == "IDAAS.SDK.PARAM.0099")
        }
        #expect(tenant.rules.counters.fingerprintMismatches == 3)
        #expect(tenant.send(.refresh(bearer, first)).status == 200)
    }

    @Test func deadTokensAreJudgedBeforeFingerprints() {
        var tenant = SampleTenant()
        let (bearer, first) = (tenant.accessToken(), tenant.logIn())
        _ = tenant.send(.refresh(bearer, first))
        #expect(tenant.send(.refresh(bearer, first, fingerprint: "other")).code == "IDAAS.SDK.PARAM.0023")
        #expect(tenant.rules.counters.fingerprintMismatches == 0)
    }

    @Test func withinTheGraceTimeASupersededTokenIsAccepted() {
        var tenant = SampleTenant { $0.previousTokenGrace = 5 }
        let (bearer, first) = (tenant.accessToken(), tenant.logIn())
        let second = tenant.send(.refresh(bearer, first)).sessionToken ?? ""
        tenant.now += .seconds(4)
        let third = tenant.send(.refresh(bearer, first))
        #expect(third.status == 200)
        #expect(tenant.rules.counters.graceUses == 1)
        tenant.now += .seconds(1)
        #expect(tenant.send(.refresh(bearer, first)).outcome == "session_reused")
        #expect(tenant.send(.refresh(bearer, second)).status == 200)
        tenant.now += .seconds(5)
        #expect(tenant.send(.refresh(bearer, second)).outcome == "session_reused")
    }

    @Test func expireIsSpelledAsTheSettingsSay() {
        var tenant = SampleTenant { $0.expireField = .string }
        let (bearer, first) = (tenant.accessToken(), tenant.logIn())
        let second = tenant.send(.refresh(bearer, first))
        #expect(second.json?["expire"]?.string == "43200")
        tenant.rules.settings.expireField = .absent
        let third = tenant.send(.refresh(bearer, second.sessionToken ?? ""))
        #expect(third.status == 200)
        #expect(third.json?["expire"] == nil)
    }

    @Test func oneAccessAddsAnIDToken() {
        var tenant = SampleTenant { $0.shape = .oneaccess }
        let (bearer, first) = (tenant.accessToken(), tenant.logIn())
        #expect(tenant.send(.refresh(bearer, first)).json?["id_token"]?.string != nil)
    }
}
