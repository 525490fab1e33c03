// One run of the sidecar: start, serve until a signal, drain.

internal import AccessTokens
internal import Admin
internal import CProcess
internal import CurlTransport
internal import Listener
package import Logging
internal import Model
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import Pipeline
internal import Sessions
internal import Telemetry
internal import UnixSignals

/// Runs a configuration to its end.
package struct SidecarRun: Sendable {
    private enum Wish: Sendable {
        case stop, reload
        /// The store has been opened, or will not be.
        case goOn
    }

    private let configuration: SidecarConfiguration
    private let logger: Logger
    private let reread: @Sendable () throws(ConfigurationFaults) -> SidecarConfiguration

    /// - Parameter reread: the configuration again, its files as they are then (SIGHUP).
    package init(
        _ configuration: SidecarConfiguration, logger: Logger,
        reread: @escaping @Sendable () throws(ConfigurationFaults) -> SidecarConfiguration
    ) {
        (self.configuration, self.logger, self.reread) = (configuration, logger, reread)
    }

    /// Serves until SIGTERM, SIGINT or `POST /quit`.
    /// - Returns: whether every request could finish.
    /// - Throws: `StartFailure` before anything is served.
    package func serve() async throws(StartFailure) -> Bool {
        let metrics = SidecarMetrics()
        let stage = AdminStage(configuration, metrics)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let (wishes, wish) = AsyncStream.makeStream(of: Wish.self)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        let listening = Task { for await signal in signals { wish.yield(signal == .sighup ? .reload : .stop) } }
        defer { listening.cancel() }
        let admin = try await openAdmin(stage.pages { wish.yield(.stop) }, loop)
        guard let opened = try await openStore(metrics, stage, wishes, wish) else {
            logger.info("asked to end before the store could be reached")
            await admin.close()
            return true
        }
        let assembly = try Assembly(configuration, opened, on: loop, metrics: metrics, logger: logger)
        let status = StatusReading(configuration, assembly)
        let transport = Task {
            let hasRun = await assembly.transport.run()
            if !hasRun { wish.yield(.stop) }
            return hasRun
        }
        let upkeep = keepUp(assembly)
        let sampling = loop.scheduleRepeatedTask(
            initialDelay: .seconds(5), delay: .milliseconds(ActivityHistory.interval.wholeMilliseconds)
        ) { _ in status.history.sample() }
        defer { sampling.cancel() }
        let listener: LocalListener
        do {
            listener = try await LocalListener.open(
                configuration.listen, on: loop, pipeline: assembly.pipeline, limits: configuration.connections)
        } catch { throw .listen(setting: "SIDECAR_LISTEN", error) }
        stage.serves(status)
        logger.info(
            "ready",
            metadata: [
                "listen": "\(listener.bound.map(\.text).joined(separator: ","))", "admin": "\(admin.port)",
                "tenant": "\(configuration.transport.origin.text)",
            ])
        configuration.manager.ready()
        cprocess_forget_constants()
        let watchdog = keepWatchdog(on: loop)
        defer { watchdog?.cancel() }
        await untilAskedToStop(wishes, assembly)
        status.drains()
        configuration.manager.stopping()
        logger.info("shutting down; requests in flight may finish")
        // Whoever asks a second time means it: rotations in the air are then what a kill would leave, which the store survives.
        guard let finished = await unlessAsked(again: wishes, { await self.drain(listener, assembly) }) else {
            logger.warning("asked again; ending at once")
            return false
        }
        for task in upkeep { task.cancel() }
        assembly.transport.close(now: true)
        let hasRun = await transport.value
        await opened.close()
        await admin.close()
        guard hasRun else { throw .transport }
        return finished
    }

    /// Access tokens that are good, sessions that are fresh, and not too many of them.
    private func keepUp(_ assembly: Assembly) -> [Task<Void, Never>] {
        var tasks = [
            Task { await assembly.accessTokens.run() },
            Task { await assembly.sessions.keepSwept(limit: configuration.maximumSessions) },
        ]
        if let idle = configuration.keepFresh { tasks.append(Task { await assembly.pipeline.keepFresh(idle: idle) }) }
        return tasks
    }

    private func untilAskedToStop(_ wishes: AsyncStream<Wish>, _ assembly: Assembly) async {
        var reloading: Task<Void, Never>?
        for await wish in wishes {
            guard wish == .reload else { return }
            // One after the other, and none of them keeps a stop waiting.
            reloading = Task { [before = reloading] in
                await before?.value
                await reload(assembly)
            }
        }
    }

    /// Everything is served for a while, so that nobody is sent here any more; then what is in flight, and every rotation, ends, and the
    /// store takes what only memory has.
    /// - Returns: whether all of that was done in time.
    private func drain(_ listener: LocalListener, _ assembly: Assembly) async -> Bool {
        try? await Task.sleep(for: configuration.drainDelay)
        let end = ContinuousClock.now + configuration.drainTimeout
        let finished = await listener.drain(within: configuration.drainTimeout)
        let lost = await assembly.sessions.drain(within: end - .now)
        if lost > 0 {
            logger.error(
                "the store has not taken the newest token of some sessions; their users have to log in again",
                metadata: ["count": "\(lost)"])
        }
        return finished && lost == 0
    }

    /// - Returns: nil when somebody wished for a stop before the store could be reached.
    private func openStore(
        _ metrics: SidecarMetrics, _ stage: AdminStage, _ wishes: AsyncStream<Wish>,
        _ wish: AsyncStream<Wish>.Continuation
    ) async throws(StartFailure) -> OpenStore? {
        let opening = Task { () async -> Result<OpenStore, StartFailure> in
            defer { wish.yield(.goOn) }
            do throws(StartFailure) {
                return .success(
                    try await OpenStore.open(configuration, metrics: metrics, logger: logger, waits: stage.waits))
            } catch { return .failure(error) }
        }
        for await next in wishes where next != .reload {
            if next == .goOn { break }
            opening.cancel()
            if case .success(let opened) = await opening.value { await opened.close() }
            return nil
        }
        return try await opening.value.get()
    }

    /// - Returns: nil when a second stop came first.
    private func unlessAsked(again wishes: AsyncStream<Wish>, _ body: @escaping @Sendable () async -> Bool) async
        -> Bool?
    {
        let (results, result) = AsyncStream.makeStream(of: Bool?.self)
        let working = Task { result.yield(await body()) }
        let asking = Task {
            for await wish in wishes where wish == .stop {
                _ = result.yield(nil)
                return
            }
        }
        defer {
            working.cancel()
            asking.cancel()
        }
        for await result in results { return result }
        return nil
    }

    /// Reads the files of secrets and certificates again. What is wrong leaves everything as it was.
    private func reload(_ assembly: Assembly) async {
        do {
            await assembly.reload(try reread())
            logger.notice("secrets and certificates were read again")
        } catch {
            logger.error(
                "not reloaded; everything stays as it was",
                metadata: ["faults": "\(error.faults.map(\.line).joined(separator: "; "))"])
        }
    }

    /// systemd hears of this process as long as its event loop turns.
    private func keepWatchdog(on loop: any EventLoop) -> RepeatedTask? {
        guard let interval = configuration.manager.watchdog else { return nil }
        let pause = TimeAmount.milliseconds(max(1, interval.wholeMilliseconds / 3))
        let manager = configuration.manager
        return loop.scheduleRepeatedTask(initialDelay: .zero, delay: pause) { _ in manager.alive() }
    }

    private func openAdmin(_ pages: AdminPages, _ loop: any EventLoop) async throws(StartFailure) -> AdminListener {
        guard case .tcp(let host, let port) = configuration.adminListen else { throw .transport }
        do {
            return try await AdminListener.open(host: host, port: port, on: loop, pages: pages)
        } catch {
            throw .listen(
                setting: "SIDECAR_ADMIN_LISTEN",
                ListenError(address: configuration.adminListen, errno: (error as? IOError)?.errnoCode ?? 0))
        }
    }
}
