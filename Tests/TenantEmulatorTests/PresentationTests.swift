// Presentations in the air: the same token twice at a time is what no client may do.
import TenantEmulator
import Testing

struct PresentationTests {
    private static func rules() -> (TenantRules, String) {
        var tenant = SampleTenant()
        let session = tenant.logIn()
        return (tenant.rules, session)
    }

    @Test func overlapIsCountedForT2AndS1Alike() {
        var (rules, session) = Self.rules()
        rules.arrived(TenantCall(.refresh("any", session)), number: 10)
        rules.arrived(TenantCall(.idToken(session)), number: 11)
        #expect(rules.counters.concurrentPresentations == 1)
        rules.arrived(TenantCall(.refresh("any", session)), number: 12)
        #expect(rules.counters.concurrentPresentations == 2)
    }

    @Test func oneAfterTheOtherIsNot() {
        var (rules, session) = Self.rules()
        for number in 10..<20 {
            rules.arrived(TenantCall(.refresh("any", session)), number: number)
            rules.answered(number: number)
            rules.answered(number: number)
        }
        #expect(rules.counters.concurrentPresentations == 0)
        #expect(rules.newestSession(of: "alice")?.presentations == [10])
    }

    @Test func answeringOneOfTwoLeavesTheOtherInTheAir() {
        var (rules, session) = Self.rules()
        rules.arrived(TenantCall(.refresh("any", session)), number: 10)
        rules.arrived(TenantCall(.refresh("any", session)), number: 11)
        rules.answered(number: 10)
        rules.arrived(TenantCall(.refresh("any", session)), number: 12)
        #expect(rules.counters.concurrentPresentations == 2)
    }

    @Test func ticketsAndOtherTokensDoNotCount() {
        var (rules, session) = Self.rules()
        rules.arrived(TenantCall(.ticket("any", session)), number: 10)
        rules.arrived(TenantCall(.refresh("any", session)), number: 11)
        rules.arrived(TenantCall(.refresh("any", "another")), number: 12)
        #expect(rules.counters.concurrentPresentations == 0)
        #expect(rules.newestSession(of: "alice")?.presentations == [1])
    }

    @Test func aRequestIsKnownByItsTokenTicketOrName() {
        var tenant = SampleTenant()
        let (bearer, first) = (tenant.accessToken(), tenant.logIn("bob"))
        let ticket = tenant.send(.ticket(bearer, first)).json?["sso_ticket"]?.string ?? ""
        _ = tenant.send(.refresh(bearer, first))
        #expect(tenant.rules.user(of: TenantCall(.refresh("any", first))) == "bob")
        #expect(tenant.rules.user(of: TenantCall(.idToken(first))) == "bob")
        #expect(tenant.rules.user(of: TenantCall(.verify("any", ticket))) == "bob")
        #expect(tenant.rules.user(of: TenantCall(.login("carol"))) == "carol")
        #expect(tenant.rules.user(of: TenantCall(.refresh("any", "unknown"))) == nil)
    }
}
