// The only place that names every concrete type.

internal import AccessTokens
internal import CurlTransport
internal import Injection
internal import Listener
internal import Logging
internal import Model
internal import NIOCore
internal import Pipeline
internal import SessionStores
internal import Sessions
internal import Telemetry
internal import Tenant

/// The rooms, put together for one configuration.
struct Assembly: Sendable {
    let transport: CurlClient
    let accessTokens: AccessTokenSource
    let sessions: SessionCoordinator
    let pipeline: ProxyPipeline
    let metrics: SidecarMetrics
    let errors = RecentErrors()
    let breaker: BreakingTransport
    let opened: OpenStore

    /// - Parameter loop: where requests are worked on.
    /// - Throws: `StartFailure`, each one clear line.
    init(
        _ configuration: SidecarConfiguration, _ opened: OpenStore, on loop: any EventLoop, metrics: SidecarMetrics,
        logger: Logger
    ) throws(StartFailure) {
        guard let transport = CurlClient(configuration.transport, on: loop) else { throw .transport }
        let (clock, store) = (SystemClock(), opened.store)
        (self.opened, self.metrics) = (opened, metrics)
        self.transport = transport
        let reasons = TransportError.Reason.allCases.map(\.rawValue)
        metrics.expect(
            guardRefusals: RequestLog.guardRefusals, upstreamErrors: reasons,
            fetchFailures: reasons + ["unreadable", "file"], storeOperations: MeasuredStore.operations)
        breaker = BreakingTransport(transport, metrics: metrics) { isOpen in
            metrics.circuitChanged(isOpen: isOpen)
            if isOpen {
                logger.error("the tenant failed many times in a row; nothing is sent for a while")
            } else {
                logger.notice("the tenant answers again")
            }
        }
        accessTokens = AccessTokenSource(Self.fetching(configuration, breaker), logger: logger, metrics: metrics)
        sessions = SessionCoordinator(
            store: MeasuredStore(store, metrics: metrics), clock: clock, policy: configuration.rotation, logger: logger,
            metrics: metrics, executor: EventLoopTasks(loop), reached: FailPoint.reached)
        let pins = FingerprintPins(
            key: configuration.fingerprintKey ?? store.keys.fingerprint,
            tenantHost: configuration.transport.origin.host,
            configured: configuration.fingerprint, mismatch: configuration.fingerprintMismatch)
        let sender = UpstreamSender(
            transport: breaker, accessTokens: accessTokens,
            injector: CredentialInjector(
                forwarded: configuration.forwarded, contentType: configuration.profile.contentType,
                clientID: configuration.clientID, tenantID: configuration.tenantID),
            devices: configuration.devices, profile: configuration.profile, timeout: configuration.upstreamTimeout)
        pipeline = ProxyPipeline(
            guardPolicy: configuration.guardPolicy,
            routes: RouteTable(profile: configuration.profile, passthrough: configuration.passthrough),
            sessions: sessions,
            pins: pins, sender: sender, limits: configuration.bodies, tokenEndpoint: configuration.tokenEndpoint,
            clock: clock,
            log: RequestLog(metrics: metrics, errors: errors, access: configuration.hasAccessLog ? logger : nil))
    }

    /// Takes over what may change while it runs: secrets, and the files of certificates.
    func reload(_ configuration: SidecarConfiguration) async {
        transport.reload()
        opened.reload(configuration)
        pipeline.replaceGuard(configuration.guardPolicy)
        await accessTokens.replace(Self.fetching(configuration, breaker))
    }

    static func fetching(_ configuration: SidecarConfiguration, _ transport: any UpstreamTransport)
        -> any AccessTokenFetching
    {
        switch configuration.tokenSource {
        case .fixed(let token): FixedAccessToken(token)
        case .file(let file):
            FileAccessToken(read: { (try? file.read()).flatMap { SecretText($0) } }, mark: { file.mark })
        case .clientCredentials(let id, let secret, let authentication):
            ClientCredentialsGrant(
                transport: transport, clientID: id, clientSecret: secret, authentication: authentication,
                timeout: configuration.upstreamTimeout)
        }
    }
}
