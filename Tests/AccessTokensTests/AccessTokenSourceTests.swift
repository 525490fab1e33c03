// The one holder of the access token: single flight, replacement, and the grant as a request.

import AccessTokens
import Logging
import Model
import NIOConcurrencyHelpers
import TestSupport
import Testing

struct AccessTokenSourceTests {
    private func grant(_ transport: ScriptedTransport, _ authentication: ClientCredentialsGrant.Authentication = .form)
        throws
        -> ClientCredentialsGrant
    {
        ClientCredentialsGrant(
            transport: transport, clientID: try .sample("my&id"), clientSecret: try .sample("s%cret+="),
            authentication: authentication,
            timeout: .seconds(5))
    }

    private func answering(_ answers: String...) -> ScriptedTransport {
        ScriptedTransport { (_, number) throws(TransportError) in .json(answers[min(number, answers.count) - 1]) }
    }

    @Test func theFormHasIDAndSecretAndTheTargetNothing() async throws {
        let transport = answering(#"{"access_token":"A","expires_in":1719}"#)
        let fetched = try await grant(transport).fetch()
        let request = try #require(transport.requests.first)
        #expect(try fetched.token == .sample("A") && fetched.life == .seconds(1719))
        #expect(request.method == "POST" && request.target == "/api/v2/tenant/token")
        #expect(text(request.body) == "grant_type=client_credentials&client_id=my%26id&client_secret=s%25cret%2B%3D")
        #expect(request.value(.contentType) == "application/x-www-form-urlencoded")
        #expect(request.value(.authorization) == nil)
    }

    @Test func basic() async throws {
        let transport = answering(#"{"access_token":"A"}"#)
        _ = try await grant(transport, .basic).fetch()
        let request = try #require(transport.requests.first)
        #expect(request.value(.authorization) == "Basic " + text(Base64.encode(bytes("my&id:s%cret+="))))
        #expect(text(request.body) == "grant_type=client_credentials")
    }

    @Test func refusalsTellTheirCodeAndNothingElse() async throws {
        let refused = ScriptedTransport { (_, _) throws(TransportError) in
            .json(#"{"error":"invalid_client","error_description":"canary"}"#, status: 401)
        }
        await #expect(throws: TokenFetchError.refused(status: 401, code: "invalid_client")) {
            try await grant(refused).fetch()
        }
        let strange = ScriptedTransport { (_, _) throws(TransportError) in
            .json(#"{"error":"in valid\n"}"#, status: 400)
        }
        await #expect(throws: TokenFetchError.refused(status: 400, code: "-")) { try await grant(strange).fetch() }
        await #expect(throws: TokenFetchError.unreadable) { try await grant(answering("{}")).fetch() }
        let down = ScriptedTransport { (_, _) throws(TransportError) in
            throw TransportError(.unreachable, maybeSent: false)
        }
        await #expect(throws: TokenFetchError.transport(TransportError(.unreachable, maybeSent: false))) {
            try await grant(down).fetch()
        }
    }

    @Test func aHundredCallersShareOneFetch() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { (_, _) throws(TransportError) in
            await gate.wait()
            return .json(#"{"access_token":"A","expires_in":1800}"#)
        }
        let source = AccessTokenSource(try grant(transport), logger: LogRecorder().logger)
        let tokens = try await withThrowingTaskGroup(of: SecretText.self) { group in
            for _ in 0..<100 { group.addTask { try await source.current() } }
            gate.signal()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(try tokens == [SecretText](repeating: .sample("A"), count: 100))
        #expect(transport.requests.count == 1)
        #expect(source.isUsable)
    }

    @Test func aHundredRefusalsOfOneTokenRenewItOnce() async throws {
        let transport = answering(
            #"{"access_token":"A","expires_in":1800}"#, #"{"access_token":"B","expires_in":1800}"#)
        let source = AccessTokenSource(try grant(transport), logger: LogRecorder().logger)
        let old = try await source.current()
        let tokens = await withTaskGroup(of: SecretText?.self) { group in
            for _ in 0..<100 { group.addTask { await source.replacement(for: old) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(try tokens == [SecretText?](repeating: .sample("B"), count: 100))
        #expect(transport.requests.count == 2)
        // A late refusal of the old one says nothing about the new one.
        #expect(try await source.replacement(for: old) == .sample("B"))
        #expect(transport.requests.count == 2)
    }

    @Test func anIssuerThatRepeatsTheRefusedTokenBringsNoReplay() async throws {
        let source = AccessTokenSource(
            try grant(answering(#"{"access_token":"A","expires_in":1800}"#)), logger: LogRecorder().logger)
        let token = try await source.current()
        #expect(await source.replacement(for: token) == nil)
    }

    @Test func aFixedTokenHasNoReplacement() async throws {
        let source = AccessTokenSource(FixedAccessToken(try .sample("A")), logger: LogRecorder().logger)
        #expect(try await source.current() == .sample("A"))
        #expect(await source.replacement(for: try .sample("A")) == nil)
    }

    @Test func withoutATokenThereIsATimeToComeAgainAndALine() async throws {
        let log = LogRecorder()
        let down = ScriptedTransport { (_, _) throws(TransportError) in
            throw TransportError(.tls, maybeSent: false, code: 60)
        }
        let source = AccessTokenSource(try grant(down), logger: log.logger)
        await #expect(throws: NoAccessToken.self) { try await source.current() }
        do { _ = try await source.current() } catch {
            // One second, or two where the first is over already and it was tried again.
            #expect(error.retryAfter > .zero && error.retryAfter <= .seconds(2))
        }
        let lines = Set(log.texts)
        #expect(
            lines == [
                "warning access token not fetched; trying again (ciam-sidecar doctor says what to do) reason=tls (libcurl 60), nothing sent"
            ])
        #expect(!source.isUsable)
    }

    /// Nobody asks for the token; the second fetch comes by itself.
    @Test func theBackgroundRenewsAheadOfTheEnd() async throws {
        let fetches = Gate()
        let transport = ScriptedTransport { (_, number) throws(TransportError) in
            fetches.signal()
            return .json(#"{"access_token":"A\#(number)","expires_in":2}"#)
        }
        let source = AccessTokenSource(try grant(transport), logger: LogRecorder().logger)
        let running = Task { await source.run() }
        await fetches.wait(for: 2)
        running.cancel()
        await running.value
        #expect(transport.requests.count >= 2)
    }

    /// The background sleeps until an hour from now when the token is refused: it hears of it within its next look.
    @Test(.timeLimit(.minutes(30))) func aRefusalBringsTheNextFetchForward() async throws {
        let fetches = Gate()
        let transport = ScriptedTransport { (_, number) throws(TransportError) in
            defer { fetches.signal() }
            guard number != 2 else { throw TransportError(.unreachable, maybeSent: false) }
            return .json(#"{"access_token":"A\#(number)","expires_in":3600}"#)
        }
        let source = AccessTokenSource(try grant(transport), logger: LogRecorder().logger)
        let running = Task { await source.run() }
        await fetches.wait(for: 1)
        #expect(await source.replacement(for: try await source.current()) == nil)
        await fetches.wait(for: 3)
        running.cancel()
        await running.value
    }

    /// The file's reader is asked again when the mark changes; `run` sees it within its next look.
    @Test func aChangedFileIsReadAgain() async throws {
        let content = NIOLockedValueBox("A")
        let reads = Gate()
        let file = FileAccessToken(
            read: {
                reads.signal()
                return SecretText(bytes(content.withLockedValue { $0 }))
            }, mark: { AccessTokenMark([Int64(content.withLockedValue { $0.utf8.first ?? 0 })]) })
        let source = AccessTokenSource(file, logger: LogRecorder().logger)
        #expect(try await source.current() == .sample("A"))
        let running = Task { await source.run() }
        content.withLockedValue { $0 = "B" }
        await reads.wait(for: 2)
        running.cancel()
        await running.value
        #expect(try await source.current() == .sample("B"))
    }

    /// The tenant counts the life from before its answer has come: what took longer than that to come is over.
    @Test func theLifeBeginsWhenTheFetchDoes() async throws {
        struct SlowIssuer: AccessTokenFetching {
            let token: SecretText
            let isRenewable = true
            func fetch() async throws(TokenFetchError) -> FetchedToken {
                let asked = ContinuousClock.now
                while ContinuousClock.now - asked < .milliseconds(20) {}
                return FetchedToken(token: token, life: .milliseconds(20))
            }
            func changeMark() -> AccessTokenMark? { nil }
        }
        let source = AccessTokenSource(SlowIssuer(token: try .sample("A")), logger: LogRecorder().logger)
        await #expect(throws: NoAccessToken.self) { try await source.current() }
    }
}
