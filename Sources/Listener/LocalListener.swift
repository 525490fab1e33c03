// The data plane's sockets: open, serve, drain.

internal import Model
package import NIOCore
internal import NIOPosix
package import Pipeline

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A socket could not be opened; one line, exit code 69.
package struct ListenError: Error, Sendable {
    package let address: ListenAddress
    /// The system's error number; 0 when it is of another kind.
    package let errno: Int32
    /// What is wrong with the place itself.
    package let problem: UnixSocketFile.Problem?

    package init(address: ListenAddress, errno: Int32, problem: UnixSocketFile.Problem? = nil) {
        (self.address, self.errno, self.problem) = (address, errno, problem)
    }
}

/// Serves the pipeline on local addresses.
package final class LocalListener: Sendable {
    private let loop: any EventLoop
    private let channels: [any Channel]
    private let registry: NIOLoopBound<ConnectionRegistry>

    /// Addresses as they are bound, the system's choice of port included.
    package let bound: [ListenAddress]

    /// Opens every address or none.
    /// - Parameter loop: all connections are served on it.
    package static func open(
        _ addresses: [ListenAddress], on loop: any EventLoop, pipeline: ProxyPipeline, limits: ConnectionLimits
    ) async throws(ListenError) -> LocalListener {
        let registry: NIOLoopBound<ConnectionRegistry>
        do { registry = try await loop.submit { NIOLoopBound(ConnectionRegistry(), eventLoop: loop) }.get() } catch {
            throw ListenError(address: addresses.first ?? .tcp(host: "-", port: 0), errno: 0)
        }
        let gate = RequestGate(limit: limits.inFlight, patience: limits.queue)
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ConnectionHandler(
                        pipeline: pipeline, registry: registry.value, gate: gate, limits: limits,
                        eventLoop: channel.eventLoop)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        var channels: [any Channel] = []
        var bound: [ListenAddress] = []
        for address in addresses {
            do {
                let channel = try await bind(bootstrap, address)
                channels.append(channel)
                bound.append(actual(address, channel))
            } catch {
                for channel in channels { try? await channel.close() }
                throw ListenError(
                    address: address, errno: (error as? IOError)?.errnoCode ?? 0,
                    problem: error as? UnixSocketFile.Problem)
            }
        }
        return LocalListener(loop: loop, channels: channels, registry: registry, bound: bound)
    }

    private init(
        loop: any EventLoop, channels: [any Channel], registry: NIOLoopBound<ConnectionRegistry>, bound: [ListenAddress]
    ) {
        (self.loop, self.channels, self.registry, self.bound) = (loop, channels, registry, bound)
    }

    private static func bind(_ bootstrap: ServerBootstrap, _ address: ListenAddress) async throws -> any Channel {
        switch address {
        case .tcp(let host, let port): return try await bootstrap.bind(host: host, port: port).get()
        case .unix(let path):
            try UnixSocketFile.prepare(path)
            let channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
            _ = unsafe chmod(path, 0o660)
            return channel
        case .inherited(let descriptor): return try await bootstrap.withBoundSocket(descriptor).get()
        }
    }

    private static func actual(_ address: ListenAddress, _ channel: any Channel) -> ListenAddress {
        guard case .tcp(let host, _) = address, let port = channel.localAddress?.port else { return address }
        return .tcp(host: host, port: port)
    }

    /// Takes no more connections, ends idle ones, lets busy ones finish.
    /// - Returns: false when some were still busy after `limit`.
    package func drain(within limit: Duration) async -> Bool {
        for channel in channels { try? await channel.close() }
        for case .unix(let path) in bound { _ = unsafe unlink(path) }
        let emptied = loop.makePromise(of: Void.self)
        let registry = registry
        loop.execute { registry.value.drain(emptied) }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await emptied.futureResult.get()) != nil }
            group.addTask {
                try? await Task.sleep(for: limit)
                emptied.fail(ChannelError.ioOnClosedChannel)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
    }
}
