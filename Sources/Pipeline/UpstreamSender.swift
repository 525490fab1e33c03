// The second page: access token, injection, one sending, and at most one more.

package import AccessTokens
package import Injection
internal import JSONText
package import Model
internal import NIOConcurrencyHelpers
internal import SessionEnvelope
package import Tenant

/// An answer of the tenant: an error is read whole, to be classified; everything else stays a stream.
enum SentAnswer {
    case streaming(UpstreamResponse)
    case error(WholeResponse, TenantRefusal)
}

/// Sends a call with everything injected (contract 5 and 6).
package final class UpstreamSender: Sendable {
    private let transport: any UpstreamTransport
    private let accessTokens: AccessTokenSource
    private let injector: CredentialInjector
    private let devices: DeviceDefaults
    private let timeout: Duration
    private let envelopes = EnvelopeSource()
    private let retries = NIOLockedValueBox(RetryBudget())
    let profile: TenantProfile

    /// Error bodies are read whole up to here.
    private static let longestError = 1 << 20

    /// - Parameter timeout: until the head of the answer, then without progress (`SIDECAR_UPSTREAM_TIMEOUT`).
    package init(
        transport: any UpstreamTransport, accessTokens: AccessTokenSource, injector: CredentialInjector,
        devices: DeviceDefaults,
        profile: TenantProfile, timeout: Duration
    ) {
        (self.transport, self.accessTokens, self.injector) = (transport, accessTokens, injector)
        (self.devices, self.profile, self.timeout) = (devices, profile, timeout)
    }

    /// - Parameters:
    ///   - token: the session token to carry, in the way of the route; nil where it takes none.
    ///   - idToken: of routes that take one.
    ///   - fingerprint: nil where the route takes no device values.
    func send(
        _ call: ProxiedCall, token: SessionToken?, idToken: IDToken? = nil, fingerprint: DeviceFingerprint?
    ) async throws(SendFailure) -> SentAnswer {
        var sealed: SealedToken?
        if call.route.token == .envelope, let token { sealed = try await seal(token, call, fingerprint) }
        var accessToken: SecretText?
        if call.route.family == .tenant {
            accessToken = accessTokens.held
            if accessToken == nil {
                do { accessToken = try await accessTokens.current() } catch { throw .noAccessToken(error) }
            }
        }
        let answer = try await sendOnce(
            call, request(call, token, idToken, fingerprint, accessToken, sealed?.text), hiding: accessToken)
        guard case .error(_, let refusal) = answer else { return answer }
        if refusal == .envelope, let sealed { envelopes.refused(sealed) }
        guard call.maySendAgain else { return answer }
        // What the tenant refuses for its credential, it has not begun.
        switch refusal {
        case .accessToken:
            guard let refused = accessToken, let next = await accessTokens.replacement(for: refused) else {
                return answer
            }
            accessToken = next
        case .envelope:
            guard let token, sealed != nil else { return answer }
            sealed = try await seal(token, call, fingerprint)
        case .idToken, .deadSession, .failed, .other: return answer
        }
        return try await sendOnce(
            call, request(call, token, idToken, fingerprint, accessToken, sealed?.text), hiding: accessToken)
    }

    private func seal(
        _ token: SessionToken, _ call: ProxiedCall, _ fingerprint: DeviceFingerprint?
    ) async throws(SendFailure) -> SealedToken {
        let fetching = EnvelopeFacts(
            call: call,
            send: { [self] (call) throws(SendFailure) in
                try await sendOnce(call, request(call, nil, nil, fingerprint, nil, nil), hiding: nil)
            })
        do { return try await envelopes.seal(token, fetching: fetching) } catch {
            throw .envelope(error)
        }
    }

    /// - Parameter secret: is taken out of what the tenant says of a failure.
    private func sendOnce(_ call: ProxiedCall, _ request: UpstreamRequest, hiding secret: SecretText?)
        async throws(SendFailure) -> SentAnswer
    {
        do {
            let response = try await response(to: request, call)
            guard response.status >= 400 else { return .streaming(response) }
            var body = try await response.body.collect(upTo: Self.longestError)
            if let secret {
                // What nobody here can read may hold our token (tenant facts 3.1).
                let isPlain = response.fields.values(.contentEncoding).allSatisfy {
                    ASCII.equalIgnoringCase($0, "identity")
                }
                body = isPlain ? AnswerScrubber.blank(secret, in: body) : []
            }
            let whole = WholeResponse(status: response.status, fields: response.fields, body: body)
            let refusal = TenantRefusal(status: whole.status, body: body, deadSessionCodes: profile.deadSessionCodes)
            return .error(whole, refusal ?? .other)
        } catch let error as TransportError {
            throw .transport(error)
        } catch {
            throw .transport(TransportError(.broken, maybeSent: true))
        }
    }

    /// When nobody was there and certainly nothing was sent, it is tried once more, within the budget. A rotation has a policy of its
    /// own for that.
    private func response(to request: UpstreamRequest, _ call: ProxiedCall) async throws(TransportError)
        -> UpstreamResponse
    {
        retries.withLockedValue { $0.requestBegan() }
        do { return try await transport.send(request) } catch {
            let isRotation = call.route.session == .rotates || call.route.session == .exchanges
            guard !error.maybeSent, error.reason == .unreachable || error.reason == .broken, call.isReplayable,
                !isRotation,
                retries.withLockedValue({ $0.take() })
            else { throw error }
            try? await Task.sleep(for: .milliseconds(Int.random(in: 25...75)))
            return try await transport.send(request)
        }
    }

    /// The request as it would leave, with a word in the place of the access token.
    func preview(_ call: ProxiedCall, token: SessionToken?, fingerprint: DeviceFingerprint?) -> Explanation.Outgoing {
        let envelope = call.route.token == .envelope && token != nil ? Array("envelope".utf8) : nil
        let accessToken = call.route.family == .tenant ? SecretText(Array("access-token".utf8)) : nil
        let request = request(call, token, Self.placeholder(call), fingerprint, accessToken, envelope)
        var body: JSONObject?
        if case .bytes(let bytes) = request.body { body = try? JSONObject(bytes) }
        return Explanation.Outgoing(method: request.method, target: request.target, fields: request.fields, body: body)
    }

    private static func placeholder(_ call: ProxiedCall) -> IDToken? {
        guard call.route.token == .idToken, call.user != nil, !call.bringsProof else { return nil }
        return SecretText(Array("id-token".utf8)).map { IDToken(text: $0, life: .seconds(1)) }
    }

    /// Everything that is injected lives as long as this takes, and is not kept by a call that waits.
    private func request(
        _ call: ProxiedCall, _ token: SessionToken?, _ idToken: IDToken?, _ fingerprint: DeviceFingerprint?,
        _ accessToken: SecretText?, _ envelope: [UInt8]?
    ) -> UpstreamRequest {
        let trace = call.identity.trace ?? TraceContext(call.fields)
        let credentials = Credentials(
            accessToken: accessToken,
            device: fingerprint.map { devices.facts(fields: call.fields, peer: call.peer, fingerprint: $0) },
            sessionToken: token, envelope: envelope, idToken: idToken, requestID: call.identity.requestID,
            traceparent: trace.isTheApps ? nil : trace.parent)
        let body: MessageBody =
            switch call.body {
            case .json(let object): .bytes(injector.body(object, for: call.route, credentials))
            case .untouched(.stream(let body, nil)):
                .stream(FilteredTrailers(of: body, by: injector.trailers), length: nil)
            case .untouched(let body): body
            }
        return UpstreamRequest(
            method: call.method, target: call.target,
            fields: injector.fields(call.fields, for: call.route, credentials),
            body: body, timeout: timeout, mayResend: call.isSafe && call.route.sending != .once)
    }
}

/// Why nothing came back.
enum SendFailure: Error {
    case noAccessToken(NoAccessToken)
    case transport(TransportError)
    case envelope(EnvelopeFault)

    var proxyError: ProxyError {
        switch self {
        case .noAccessToken(let reason): .noAccessToken(retryAfter: reason.retryAfter)
        case .transport(let error): ProxyError(error)
        case .envelope(let fault): fault.proxyError
        }
    }
}

extension EnvelopeFault {
    fileprivate var proxyError: ProxyError {
        switch self {
        case .transport(let error): ProxyError(error)
        case .unreadable: .envelopeImpossible("the tenant's public key or time cannot be read")
        case .keyTooShort: .envelopeImpossible("the tenant's public key has fewer than 2048 bits")
        case .tokenTooLong: .envelopeImpossible("the session token is longer than the tenant's public key can seal")
        }
    }
}

extension ProxiedCall {
    /// By its method (RFC 9110 section 9.2.1).
    fileprivate var isSafe: Bool { method.elementsEqual("GET".utf8) || method.elementsEqual("HEAD".utf8) }

    /// Whether the body can be sent a second time.
    var isReplayable: Bool {
        if case .untouched(.stream) = body { return false }
        return true
    }
}
