// A request for the tenant, as it was understood.

internal import Guard
internal import Injection
internal import JSONText
internal import Model
internal import Sessions
internal import Tenant

/// What the app wants sent: everything that is known before a session or an access token is looked at.
final class ProxiedCall: Sendable {
    enum Body: Sendable {
        /// Read whole; fields may be put into it.
        case json(JSONObject)
        /// Passed on as it comes.
        case untouched(MessageBody)
    }

    let route: Route
    let method: [UInt8]
    /// Path and query.
    let target: [UInt8]
    let fields: HeaderFields
    let peer: [UInt8]?
    let body: Body
    let user: UserKey?
    /// The session token that the app presented.
    let presented: SessionToken?
    /// The fingerprint that the app sent.
    let fingerprint: DeviceFingerprint?
    let identity: RequestIdentity

    init(
        route: Route, method: [UInt8], target: [UInt8], fields: HeaderFields, peer: [UInt8]?, body: Body,
        user: UserKey?,
        presented: SessionToken?, fingerprint: DeviceFingerprint?, identity: RequestIdentity
    ) {
        (self.route, self.method, self.target, self.fields) = (route, method, target, fields)
        (self.peer, self.body, self.user, self.presented) = (peer, body, user, presented)
        (self.fingerprint, self.identity) = (fingerprint, identity)
    }

    /// Whether the app says by itself who its user is, on a route that would carry the session's proof otherwise.
    var bringsProof: Bool {
        switch route.token {
        case .envelope: fields.first(.signature)?.isEmpty == false
        case .idToken: fields.first(.authorization)?.isEmpty == false
        case .none, .body, .header: false
        }
    }

    /// Whether a route that would carry a proof of its user has none to add: the app brings its own, or names nobody.
    var passesUnproved: Bool { bringsProof || (route.family == .sdk && user == nil) }

    /// Whether it may go out once more after the tenant has refused what was added to it (contract 7.8), body and all.
    var maySendAgain: Bool { isReplayable && route.sending == .afterRenewal }

    var claim: SessionClaim { SessionClaim(user: user, token: presented) }

    /// Reads of a request what its route needs; a body that is not needed whole stays a stream.
    static func read(
        _ request: LocalRequest, _ admission: Admission, _ route: Route, identity: RequestIdentity, limits: BodyLimits
    ) async throws(ProxyError) -> ProxiedCall {
        let fields = request.head.fields
        let body = try await readBody(request, route, limits)
        var presented: SessionToken?
        var fingerprint = SentFingerprint.inFields(fields)
        if case .json(let object) = body {
            fingerprint = SentFingerprint.inBody(object)
            if route.token == .body { presented = try sessionToken(object) }
        } else if case .header(let name) = route.token, let value = fields.first(name), !value.isEmpty {
            guard let token = SessionToken(Array(value)) else { throw .sessionTokenInvalid }
            presented = token
        }
        return ProxiedCall(
            route: route, method: request.head.method, target: admission.target.originForm, fields: fields,
            peer: request.head.peer, body: body, user: admission.user, presented: presented, fingerprint: fingerprint,
            identity: identity)
    }

    private static func readBody(_ request: LocalRequest, _ route: Route, _ limits: BodyLimits) async throws(ProxyError)
        -> Body
    {
        guard route.needsWholeBody else { return .untouched(try await untouchedBody(request, route, limits)) }
        if let length = request.contentLength, length > limits.injected { throw .bodyTooLarge }
        do { return .json(try JSONObject(try await request.body.collect(upTo: limits.injected))) } catch {
            throw (error as? BodyFault).map { ProxyError($0) } ?? .bodyInvalid
        }
    }

    /// A short body is read whole, so that it can be sent again after a renewal of the access token; a longer one is a stream.
    private static func untouchedBody(_ request: LocalRequest, _ route: Route, _ limits: BodyLimits)
        async throws(ProxyError) -> MessageBody
    {
        // S1 is a rotation: it goes on without its caller, and may be tried again.
        if route.session == .exchanges {
            do { return .bytes(try await request.body.collect(upTo: limits.injected)) } catch {
                throw ProxyError(error)
            }
        }
        guard let length = request.contentLength else {
            return .stream(CappedBody(request.body, limit: limits.streamed), length: nil)
        }
        guard length <= limits.streamed else { throw .bodyTooLarge }
        if length == 0 {
            let method = request.head.method
            return method.elementsEqual("POST".utf8) || method.elementsEqual("PUT".utf8) ? .bytes([]) : .none
        }
        guard length <= BodyLimits.replayable else { return .stream(request.body, length: length) }
        do { return .bytes(try await request.body.collect(upTo: length)) } catch { throw ProxyError(error) }
    }

    /// Null and the empty string count as "none".
    private static func sessionToken(_ object: JSONObject) throws(ProxyError) -> SessionToken? {
        guard let member = object.member("session_token"), member.kind != .null else { return nil }
        guard let bytes = object.string("session_token") else { throw .sessionTokenInvalid }
        guard !bytes.isEmpty else { return nil }
        guard let token = SessionToken(bytes) else { throw .sessionTokenInvalid }
        return token
    }

    /// A call that no app asked for, with an empty body: what has to come before an app's own call, or what the local API wants.
    /// - Parameter like: the fields of the request that it is made for; what they say of the end user's device is carried over.
    static func unasked(
        _ route: Route, _ method: String, _ target: [UInt8], for user: UserKey?, like fields: HeaderFields,
        peer: [UInt8]?, identity: RequestIdentity
    ) throws(ProxyError) -> ProxiedCall {
        var names = [FieldName.userAgent, .forwardedFor, .realIP, .traceparent, .tracestate]
        if route.devices == .header { names += DeviceFieldNames.carried }
        var carried = HeaderFields()
        for name in names {
            for value in fields.values(name) { carried.append(name.bytes[...], value) }
        }
        guard let empty = try? JSONObject([]) else { throw .bodyInvalid }
        let untouched = method.utf8.elementsEqual("GET".utf8) ? MessageBody.none : .bytes([])
        return ProxiedCall(
            route: route, method: Array(method.utf8), target: target, fields: carried, peer: peer,
            body: route.needsWholeBody ? .json(empty) : .untouched(untouched), user: user, presented: nil,
            fingerprint: nil, identity: identity)
    }
}

/// The largest bodies, in bytes.
package struct BodyLimits: Sendable {
    /// Bodies up to here are kept for a second sending.
    static let replayable = 65_536
    /// Of routes that are injected into (`SIDECAR_MAX_BODY`).
    package let injected: Int
    /// Of streamed routes (`SIDECAR_MAX_STREAM_BODY`).
    package let streamed: Int
    package init(injected: Int, streamed: Int) { (self.injected, self.streamed) = (injected, streamed) }
}
