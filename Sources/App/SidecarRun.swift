// One run of the sidecar: start, serve until a signal, drain.

internal import AccessTokens
internal import Admin
internal import CurlTransport
internal import Listener
package import Logging
internal import Model
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import Pipeline
internal import Sessions
internal import UnixSignals

/// Runs a configuration to its end.
package struct SidecarRun: Sendable {
    private let configuration: SidecarConfiguration
    private let logger: Logger

    package init(_ configuration: SidecarConfiguration, logger: Logger) {
        (self.configuration, self.logger) = (configuration, logger)
    }

    /// Serves until SIGTERM or SIGINT.
    /// - Returns: whether every request could finish.
    /// - Throws: `StartFailure` before anything is served.
    package func serve() async throws(StartFailure) -> Bool {
        let assembly = try Assembly(configuration, logger: logger)
        let isDraining = NIOLockedValueBox(false)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let transport = Task { await assembly.transport.run() }
        let tokens = Task { await assembly.accessTokens.run() }
        let freshness = Task {
            if let idle = configuration.keepFresh { await assembly.pipeline.keepFresh(idle: idle) }
        }
        let sweeping = Task { await assembly.sessions.keepSwept(limit: configuration.maximumSessions) }
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let admin = try await openAdmin(assembly, loop, isDraining)
        let listener: LocalListener
        do {
            listener = try await LocalListener.open(
                configuration.listen, on: loop, pipeline: assembly.pipeline, limits: configuration.connections)
        } catch { throw .listen(setting: "SIDECAR_LISTEN", error) }
        logger.info(
            "ready",
            metadata: [
                "listen": "\(listener.bound.map(\.text).joined(separator: ","))", "admin": "\(admin.port)",
                "tenant": "\(configuration.transport.origin.text)",
            ])
        for await _ in signals { break }
        isDraining.withLockedValue { $0 = true }
        logger.info("shutting down; requests in flight may finish")
        let finished = await listener.drain(within: configuration.drainTimeout)
        freshness.cancel()
        sweeping.cancel()
        await assembly.sessions.drain()
        tokens.cancel()
        assembly.transport.close(now: true)
        _ = await transport.value
        await assembly.closeStore()
        await admin.close()
        return finished
    }

    private func openAdmin(
        _ assembly: Assembly, _ loop: any EventLoop, _ isDraining: NIOLockedValueBox<Bool>
    ) async throws(StartFailure) -> AdminListener {
        guard case .tcp(let host, let port) = configuration.adminListen else { throw .transport }
        do {
            return try await AdminListener.open(host: host, port: port, on: loop) {
                var reasons: [Readiness.Reason] = []
                if !assembly.accessTokens.isUsable { reasons.append(.noAccessToken) }
                if !assembly.sessions.isWritable { reasons.append(.storeNotWritable) }
                if !assembly.sessions.isDurable { reasons.append(.unsavedSessions) }
                if isDraining.withLockedValue({ $0 }) { reasons.append(.draining) }
                return Readiness(reasons: reasons)
            }
        } catch {
            throw .listen(
                setting: "SIDECAR_ADMIN_LISTEN",
                ListenError(address: configuration.adminListen, errno: (error as? IOError)?.errnoCode ?? 0))
        }
    }
}
