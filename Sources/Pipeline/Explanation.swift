// What would become of a request, told without sending anything (`POST /sidecar/v1/explain`).

internal import Guard
internal import JSONText
internal import Model
internal import Sessions
internal import Synchronization
internal import Tenant

/// The decisions about one request, as the app sees them. Secrets stand in it as `•••`.
struct Explanation: Sendable {
    /// The request as it would leave.
    struct Outgoing: Sendable {
        let method: [UInt8]
        let target: [UInt8]
        let fields: HeaderFields
        /// Nil when the body passes as it comes.
        let body: JSONObject?
    }

    enum Outcome: String, Sendable {
        /// Goes to the tenant.
        case forwarded
        /// Is answered here, from what is known.
        case answered
        case refused
    }

    let outcome: Outcome
    /// The row of the tenant's API, e.g. `T2`; nil when it was not found out.
    var route: String?
    var outgoing: Outgoing?
    /// The answer of a refused request.
    var error: ErrorRow?
    /// One sentence for each decision, in their order.
    var reasons: [String] = []
}

// MARK: the request that is asked about

extension Explanation {
    /// Reads `{"method","path","headers","body"}`: headers as an object of strings, body as a string or as a JSON value. `Host` is
    /// loopback unless it is given.
    static func request(_ object: JSONObject) throws(ProxyError) -> LocalRequest {
        let rule = "path is a string that begins with /, method a string, headers an object of strings"
        guard let path = object.string("path"), !path.isEmpty else { throw .fieldInvalid(rule) }
        let method = object.string("method") ?? Array("POST".utf8)
        var fields = HeaderFields()
        if let member = object.member("headers"), member.kind != .null {
            guard member.kind == .object, let headers = try? JSONObject(Array(object.text[member.value])) else {
                throw .fieldInvalid(rule)
            }
            for header in headers.members {
                let name = headers.name(header)
                let named = Array("{\"value\":".utf8) + headers.text[header.value] + Array("}".utf8)
                guard header.kind == .string, let value = (try? JSONObject(named))?.string("value"),
                    !name.isEmpty, name.allSatisfy(ASCII.isTokenCharacter),
                    value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
                else { throw .fieldInvalid(rule) }
                fields.append(name[...], value[...])
            }
        }
        if fields.values(.host).isEmpty { fields.append(.host, "127.0.0.1") }
        let body = Self.body(object)
        return LocalRequest(
            head: RequestHead(method: method, target: path, fields: fields, peer: nil), body: WholeBody(body),
            contentLength: body.count)
    }

    private static func body(_ object: JSONObject) -> [UInt8] {
        guard let member = object.member("body"), member.kind != .null else { return [] }
        return object.string("body") ?? Array(object.text[member.value])
    }
}

/// A body that is there already.
private final class WholeBody: BodyStream {
    private let bytes: [UInt8]
    private let isRead = Atomic(false)
    init(_ bytes: [UInt8]) { self.bytes = bytes }
    func next() async throws(BodyFault) -> [UInt8]? {
        isRead.exchange(true, ordering: .relaxed) || bytes.isEmpty ? nil : bytes
    }
    func cancel() {}
}

// MARK: how it is found out

extension ProxyPipeline {
    /// The explanation as a few lines for a person.
    package func explanation(method: String, path: String, headers: [(String, String)], body: String?) async -> String {
        var fields = HeaderFields()
        for (name, value) in headers { fields.append(name, value) }
        if fields.values(.host).isEmpty { fields.append(.host, "127.0.0.1") }
        let content = Array((body ?? "").utf8)
        let request = LocalRequest(
            head: RequestHead(method: Array(method.utf8), target: Array(path.utf8), fields: fields, peer: nil),
            body: WholeBody(content), contentLength: content.count)
        do { return try await explain(request).text } catch { return "\(error.row.status) SIDECAR.\(error.row.code)\n" }
    }

    /// Admits, routes and prepares a request as `respond` does, and stops before anything is sent or begun.
    func explain(_ request: LocalRequest) async throws(ProxyError) -> Explanation {
        var explanation = Explanation(outcome: .forwarded)
        do throws(ProxyError) {
            let admission = try admit(request.head)
            if LocalResource(admission.target) != nil {
                return Explanation(outcome: .answered, reasons: ["it is a call of the local API"])
            }
            if isPlaceholder(request.head, admission.target) {
                return Explanation(
                    outcome: .answered, reasons: ["a worthless access token is answered, nothing is sent"])
            }
            let route = try route(request.head, admission.target)
            explanation.route = route.row
            explanation.reasons.append(route.family.reason)
            let call = try await ProxiedCall.read(
                request, admission, route, identity: RequestIdentity(request.head.fields), limits: limits)
            return try await explain(call, explanation)
        } catch {
            return Explanation(
                outcome: .refused, route: explanation.route, error: error.row,
                reasons: explanation.reasons + [error.row.message])
        }
    }

    private func explain(_ call: ProxiedCall, _ begun: Explanation) async throws(ProxyError) -> Explanation {
        var explanation = begun
        explanation.reasons.append(
            call.user != nil
                ? "the user is named by the header field"
                : call.presented != nil ? "the session is found by its token" : "no user is named")
        let purpose: SessionPurpose? =
            switch call.route.session {
            case .uses where call.passesUnproved: nil
            case .rotates: .refresh
            case .exchanges: .exchange
            case .uses: .use
            case .opens, .none: nil
            }
        var session: Session?
        if let purpose {
            let decision: SessionDecision
            do { decision = try await sessions.preview(call.claim, for: purpose) } catch { throw .storeUnavailable }
            explanation.reasons.append(try reason(decision, purpose))
            switch decision {
            case .replay: return Explanation(outcome: .answered, route: explanation.route, reasons: explanation.reasons)
            case .start(let intent): session = intent.session
            case .use(let known): session = known
            case .useForeign(let token, _): return try show(call, token, pinned: nil, explanation)
            default: break
            }
            if call.route.token == .idToken, let session {
                explanation.reasons.append(
                    sessions.heldIDToken(session.key) != nil
                        ? "the user's id_token is known and goes out"
                        : "no id_token is known: it is bought with the session token first")
            }
            if call.route.token == .envelope {
                explanation.reasons.append("the session token is sealed in X-signature")
            }
        } else if call.bringsProof {
            explanation.reasons.append("the app's own proof of its user passes")
        } else if call.route.session == .opens {
            explanation.reasons.append("a session token in the answer becomes the user's newest")
        }
        return try show(call, session?.token ?? call.presented, pinned: session?.fingerprint, explanation)
    }

    private func show(
        _ call: ProxiedCall, _ token: SessionToken?, pinned: DeviceFingerprint?, _ begun: Explanation
    ) throws(ProxyError) -> Explanation {
        var explanation = begun
        let key = call.user.map { SessionKey.user($0) }
        let fingerprint = try fingerprint(call, pinned: pinned, key: key)
        if call.route.devices != .none {
            let origin =
                pinned != nil ? "pinned to the session" : call.fingerprint != nil ? "the app's own" : "the sidecar's"
            explanation.reasons.append("the device fingerprint is \(origin)")
        }
        explanation.outgoing = sender.preview(
            call, token: token, fingerprint: call.route.devices == .none ? nil : fingerprint)
        return explanation
    }

    /// - Throws: what the app would get instead.
    private func reason(_ decision: SessionDecision, _ purpose: SessionPurpose) throws(ProxyError) -> String {
        switch decision {
        case .refuse(let refusal):
            if case .dead(.rejected(let answer)) = refusal {
                return "the tenant has said that the session is over; its answer \(answer.status) would be repeated"
            }
            throw .session(refusal)
        case .replay: return "the token was replaced a short while ago: the newest one is answered, nothing is sent"
        case .use: return "the newest session token goes out"
        case .useForeign: return "the token is of no known session: it is taken for a login made elsewhere"
        case .start(let intent) where intent.generation == 0:
            return "the token is of no known session: it is taken for a login made elsewhere"
        case .start:
            return purpose == .use
                ? "the token is about to end: it is refreshed first, then the newest one goes out"
                : "the newest session token is presented, and replaced by the answer"
        case .join: return "a refresh is running: its answer is shared"
        case .wait, .watch: return "a refresh is running: this call waits for it"
        case .settle: return "an answer was lost a moment ago: the token is presented once more in a moment"
        case .load: return "the session is read from the store"
        }
    }
}

extension Route.Family {
    fileprivate var reason: String {
        switch self {
        case .tenant: "a path under /api/v2/tenant/: the access token is added, the app's Authorization is dropped"
        case .sdk: "a path of the SDK family: the access token is never added, the app's Authorization passes"
        case .passthrough: "a path of SIDECAR_PASSTHROUGH_PATHS: nothing is added"
        }
    }
}
