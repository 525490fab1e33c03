// T3 and T4: tickets are good for one use.
import TenantEmulator
import Testing

struct TicketRulesTests {
    private static func ticket(_ tenant: inout SampleTenant, _ bearer: String, _ session: String) -> String {
        tenant.send(.ticket(bearer, session)).json?["sso_ticket"]?.string ?? ""
    }

    @Test func aTicketTellsTheUserOnceAndDoesNotRotateTheSession() {
        var tenant = SampleTenant()
        let (bearer, session) = (tenant.accessToken(), tenant.logIn())
        let bought = tenant.send(.ticket(bearer, session))
        #expect(bought.json?["expire"]?.int == 300)
        let ticket = bought.json?["sso_ticket"]?.string ?? ""
        #expect(ticket.hasPrefix("ssoTicket-"))
        let first = tenant.send(.verify(bearer, ticket))
        #expect(first.status == 200)
        #expect(first.json?["userName"]?.string == "alice")
        let second = tenant.send(.verify(bearer, ticket))
        #expect(second.status == 400)
        #expect(second.code == "IDAAS.SDK.PARAM.0032")
        #expect(tenant.send(.refresh(bearer, session)).status == 200)
    }

    @Test func emptyUnknownAndExpiredTicketsAreRefused() {
        var tenant = SampleTenant()
        let (bearer, session) = (tenant.accessToken(), tenant.logIn())
        #expect(tenant.send(.verify(bearer, "")).code == "IDAAS.SDK.PARAM.0031")
        #expect(tenant.send(.verify(bearer, "ssoTicket-none")).code == "IDAAS.SDK.PARAM.0032")
        let ticket = Self.ticket(&tenant, bearer, session)
        tenant.now += .seconds(300)
        #expect(tenant.send(.verify(bearer, ticket)).code == "IDAAS.SDK.PARAM.0032")
    }

    @Test func aRefusalForBearerDeviceOrFingerprintDoesNotUseTheTicketUp() {
        var tenant = SampleTenant()
        let (bearer, session) = (tenant.accessToken(), tenant.logIn())
        let ticket = Self.ticket(&tenant, bearer, session)
        #expect(tenant.send(.verify("wrong", ticket)).oauthError == "invalid_token")
        let bare = [JSONMember("sso_ticket", .text(ticket))]
        #expect(tenant.send(.tenantCall("sso-ticket/verify", bearer: bearer, bare)).code == "IDAAS.SDK.PARAM.0001")
        #expect(tenant.send(.verify(bearer, ticket, fingerprint: "other")).code == "IDAAS.SDK.PARAM.0099")
        #expect(tenant.send(.verify(bearer, ticket)).status == 200)
    }

    @Test func aTicketOutlivesTheRotationOfItsSession() {
        var tenant = SampleTenant()
        let (bearer, session) = (tenant.accessToken(), tenant.logIn())
        let ticket = Self.ticket(&tenant, bearer, session)
        #expect(tenant.send(.refresh(bearer, session)).status == 200)
        #expect(tenant.send(.verify(bearer, ticket)).status == 200)
    }

    @Test func oneAccessWrapsTheUser() {
        var tenant = SampleTenant { $0.shape = .oneaccess }
        let (bearer, session) = (tenant.accessToken(), tenant.logIn())
        let answer = tenant.send(.verify(bearer, Self.ticket(&tenant, bearer, session)))
        #expect(answer.json?["data"]?["user"]?["userName"]?.string == "alice")
        #expect(answer.json?["userName"] == nil)
    }
}
