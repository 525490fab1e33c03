// T1 and the bearer check.
import TenantEmulator
import Testing

struct BearerRulesTests {
    @Test func formAndBasicBothGetAToken() {
        var tenant = SampleTenant()
        let form = tenant.send(.token())
        #expect(form.status == 200)
        #expect(form.json?["token_type"]?.string == "bearer")
        #expect(form.json?["expires_in"]?.int == 1800)
        #expect(form.json?["scope"]?.string == "all")
        #expect(form.json?["id_token"]?.string?.split(separator: ".").count == 3)
        let basic = HeaderField("Authorization", "Basic ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=")
        #expect(tenant.send(.token(form: "grant_type=client_credentials", headers: [basic])).status == 200)
        #expect(tenant.rules.counters.tokenFetches == 2)
    }

    @Test func secretsInTheQueryAreRefusedEvenWhenRight() {
        var tenant = SampleTenant()
        let query = "?grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret"
        #expect(tenant.send(.token(query: query)).oauthError == "invalid_request")
        #expect(tenant.send(.token(form: "", query: query)).status == 400)
        #expect(tenant.rules.counters.tokenFetches == 0)
    }

    @Test(arguments: [
        "grant_type=client_credentials&client_id=demo-client&client_secret=wrong",
        "grant_type=client_credentials&client_id=other&client_secret=demo-secret",
        "grant_type=client_credentials&client_id=demo-client",
        "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret&client_secret=demo-secret",
    ])
    func wrongCredentialsAre401(form: String) {
        var tenant = SampleTenant()
        let answer = tenant.send(.token(form: form))
        #expect(answer.status == 401)
        #expect(answer.oauthError == "invalid_client")
        #expect(answer.json?["error_description"]?.string == "Bad client credentials")
    }

    @Test func otherGrantsContentTypesAndDoubleAuthenticationAreRefused() {
        var tenant = SampleTenant()
        let password = "grant_type=password&client_id=demo-client&client_secret=demo-secret"
        #expect(tenant.send(.token(form: password)).oauthError == "unsupported_grant_type")
        let basic = HeaderField("Authorization", "Basic ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=")
        #expect(tenant.send(.token(headers: [basic])).oauthError == "invalid_request")
        let json = ReceivedRequest(
            method: "POST", target: "/api/v2/tenant/token", headers: [HeaderField("Content-Type", "application/json")])
        #expect(tenant.send(json).oauthError == "invalid_request")
        let get = ReceivedRequest(method: "GET", target: "/api/v2/tenant/token")
        #expect(tenant.send(get).status == 405)
    }

    @Test func tokensDifferAndLiveBesideEachOther() {
        var tenant = SampleTenant()
        let (first, second) = (tenant.accessToken(), tenant.accessToken())
        #expect(first != second)
        #expect(second.hasPrefix("-") && second.utf8.count == 66)
        let session = tenant.logIn()
        #expect(tenant.send(.ticket(first, session)).status == 200)
        #expect(tenant.send(.ticket(second, session)).status == 200)
    }

    @Test func anExpiredTokenIs400AndIsRepeatedInTheMessage() {
        var tenant = SampleTenant { $0.accessTokenLife = 60 }
        let (token, session) = (tenant.accessToken(), tenant.logIn())
        tenant.now += .seconds(59)
        #expect(tenant.send(.ticket(token, session)).status == 200)
        tenant.now += .seconds(1)
        let answer = tenant.send(.ticket(token, session))
        #expect(answer.status == 400)
        #expect(answer.oauthError == "invalid_token")
        #expect(answer.json?["error_description"]?.string == "Access token expired:\(token)")
    }

    @Test func anUnknownOrMissingTokenIs400() {
        var tenant = SampleTenant()
        let session = tenant.logIn()
        let unknown = tenant.send(.refresh("nobody", session))
        #expect(unknown.json?["error_description"]?.string == "Invalid access token: nobody")
        let bare = ReceivedRequest(method: "GET", target: "/api/v2/tenant/echo")
        #expect(tenant.send(bare).json?["error_description"]?.string == "Invalid access token: ")
        #expect(tenant.rules.counters.bearerRejected == 2)
    }

    @Test func theBearerIsCheckedBeforeAnythingIsConsumed() {
        var tenant = SampleTenant()
        let (token, session) = (tenant.accessToken(), tenant.logIn())
        tenant.rules.expireAccessTokens(now: tenant.now)
        #expect(tenant.send(.refresh(token, session)).oauthError == "invalid_token")
        let fresh = tenant.accessToken()
        #expect(tenant.send(.refresh(fresh, session)).status == 200)
        #expect(tenant.rules.counters.reuse == 0)
    }

    @Test func aRegisteredTokenCountsUntilItsEnd() {
        var tenant = SampleTenant()
        tenant.rules.registerAccessToken("static", life: 10, now: tenant.now)
        let session = tenant.logIn()
        #expect(tenant.send(.ticket("static", session)).status == 200)
        tenant.now += .seconds(10)
        #expect(tenant.send(.ticket("static", session)).oauthError == "invalid_token")
    }

    @Test func anAccessTokenOnAnSDKCallIsAnsweredAndCounted() {
        var tenant = SampleTenant()
        let (token, session) = (tenant.accessToken(), tenant.logIn())
        let leak = HeaderField("Authorization", "Bearer " + token)
        #expect(tenant.send(.idToken(session, extra: [leak])).status == 200)
        #expect(tenant.rules.counters.accessTokenLeaks == 1)
        let idToken = HeaderField("Authorization", "Bearer some-id-token")
        _ = tenant.send(.login("bob", headers: ReceivedRequest.deviceHeaders + [idToken]))
        #expect(tenant.rules.counters.accessTokenLeaks == 1)
    }
}
