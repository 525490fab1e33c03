// The whole pipeline over a scripted tenant and a store in memory.

package import AccessTokens
package import Guard
internal import Injection
package import Model
package import Pipeline
internal import SessionStores
package import Sessions
package import Tenant

package struct PipelineScene: Sendable {
    package let transport: ScriptedTransport
    package let store: FailingStore
    package let clock = ManualClock()
    package let log = LogRecorder()
    package let sessions: SessionCoordinator
    package let pipeline: ProxyPipeline

    /// What a test may set differently.
    package struct Settings {
        package var rotation = RotationPolicy.patient
        package var guardPolicy = AdmissionPolicy()
        package var profile = TenantProfile.ciam
        package var tokenEndpoint = TokenEndpoint.refuse
        package var mismatch = FingerprintPins.Mismatch.override
        package var accessTokens: (any AccessTokenFetching)?
        package var limits = BodyLimits(injected: 1 << 20, streamed: 1 << 30)

        package init() {}

        /// The usual ones with a change.
        package static func changed(_ change: (inout Settings) throws -> Void) rethrows -> Settings {
            var settings = Settings()
            try change(&settings)
            return settings
        }
    }

    /// - Parameter upstream: instead of the script, which keeps every request.
    package init(
        with settings: Settings = Settings(), upstream: (any UpstreamTransport)? = nil,
        _ script: @escaping ScriptedTransport.Script
    ) throws {
        transport = ScriptedTransport(script)
        store = FailingStore(MemoryStore(clock: clock))
        var policy = settings.rotation
        policy.keepsIDTokens = settings.profile.offersIDTokens
        sessions = SessionCoordinator(store: store, clock: clock, policy: policy, logger: log.logger)
        let tokens = AccessTokenSource(
            try settings.accessTokens ?? FixedAccessToken(.sample("ACCESS")), logger: log.logger)
        let injector = CredentialInjector(
            forwarded: ForwardedFields(dropped: [.sidecarUser]), contentType: settings.profile.contentType,
            clientID: bytes("public-id"),
            tenantID: nil)
        pipeline = ProxyPipeline(
            guardPolicy: settings.guardPolicy,
            routes: RouteTable(profile: settings.profile, passthrough: [bytes("/pass/")]),
            sessions: sessions,
            pins: FingerprintPins(
                key: bytes("key"), tenantHost: "tenant.example", configured: nil, mismatch: settings.mismatch),
            sender: UpstreamSender(
                transport: upstream ?? transport, accessTokens: tokens, injector: injector,
                devices: DeviceDefaults(
                    operatingSystem: bytes("OS"), address: bytes("192.0.2.1"), agent: bytes("agent")),
                profile: settings.profile,
                timeout: .seconds(5)),
            limits: settings.limits, tokenEndpoint: settings.tokenEndpoint, clock: clock)
    }

    package static let refreshPath = "/api/v2/tenant/sso/session-token/refresh"
    package static let ticketPath = "/api/v2/tenant/sso/session-token/sso-ticket"
    package static let verifyPath = "/api/v2/tenant/sso/sso-ticket/verify"
    package static let loginPath = "/api/v2/sdk/login"

    /// One request of an app, its answer read to the end.
    package func call(
        _ path: String, _ body: String = "{}", method: String = "POST", user: String? = "alice",
        fields: KeyValuePairs<String, String> = [:]
    ) async -> CallResult {
        var all = HeaderFields(["Host": "127.0.0.1"])
        if let user { all.append(.sidecarUser, bytes(user)) }
        for (name, value) in fields { all.append(name, value) }
        let request = LocalRequest(
            head: RequestHead(method: bytes(method), target: bytes(path), fields: all, peer: nil),
            body: FixedBody([bytes(body)]),
            contentLength: body.utf8.count)
        return await CallResult(pipeline.respond(to: request))
    }
}

/// What an app got.
package struct CallResult: Sendable {
    package let status: Int
    package let fields: HeaderFields
    package let body: String

    init(_ answer: LocalAnswer) async {
        (status, fields) = (answer.status, answer.fields)
        switch answer.body {
        case .bytes(let bytes): body = text(bytes)
        case .stream(let stream, _):
            do { body = text(try await stream.collect(upTo: 1 << 26)) } catch { body = "cut \(error)" }
        }
    }

    package var source: String? { fields.first(.sidecarSource).map { text($0) } }
    /// `status code` of one of our own errors, else `status`.
    package var outcome: String { fields.first(.sidecarError).map { "\(status) \(text($0))" } ?? "\(status)" }
}
