// One connection to a Redis server: commands in, replies out, in the same order.

internal import Model
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// A connection that stands. Ends itself when an answer does not come in time: what comes later could not be told apart.
final class RedisConnection: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<RedisChannelHandler>

    private init(_ channel: any Channel, _ handler: NIOLoopBound<RedisChannelHandler>) {
        (self.channel, self.handler) = (channel, handler)
    }

    /// Connects; nothing has been said yet.
    /// - Parameter heard: gets what the server says without being asked, once it has been subscribed to something.
    /// - Throws: `.unreachable`, or `.untrusted` when the files of the settings cannot be used.
    static func connect(
        _ settings: RedisSettings, on loop: any EventLoop, heard: @escaping @Sendable (RedisReply) -> Void = { _ in }
    ) async throws(StoreTrouble) -> RedisConnection {
        let tls: NIOSSLContext?
        do { tls = try settings.tls.map(RedisTrust.context) } catch { throw .untrusted }
        let timeout = settings.timeout
        let bound = NIOLockedValueBox<NIOLoopBound<RedisChannelHandler>?>(nil)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.milliseconds(timeout.wholeMilliseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = RedisChannelHandler(timeout: timeout, heard: heard)
                    if let tls, case .tcp(let host, _) = settings.place {
                        let name = RedisTrust.isAddress(host) ? nil : host
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                    let own = NIOLoopBound(handler, eventLoop: channel.eventLoop)
                    bound.withLockedValue { $0 = own }
                }
            }
        let channel: any Channel
        do {
            channel =
                switch settings.place {
                case .tcp(let host, let port): try await bootstrap.connect(host: host, port: port).get()
                case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
                }
        } catch { throw RedisTrust.isAbout(error) ? .untrusted : .unreachable }
        guard let handler = bound.withLockedValue({ $0 }) else { throw .unreachable }
        return RedisConnection(channel, handler)
    }

    /// Sends a command and waits for its reply, an error reply being one.
    /// - Throws: what ended the connection. Whether the command was carried out is not known then.
    func send(_ command: RedisCommand) async throws(StoreTrouble) -> RedisReply {
        let wire = command.wire
        let handler = handler
        let result: Result<RedisReply, StoreTrouble> = await withCheckedContinuation { continuation in
            channel.eventLoop.execute { handler.value.send(wire, continuation) }
        }
        return try result.get()
    }

    /// Returns when the connection has ended; ends it when the task is cancelled.
    func ended() async {
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            close()
        }
    }

    /// Returns when the connection has ended or `over` has come; ends it when the task is cancelled.
    func ended(or over: EventLoopPromise<Void>) async {
        channel.closeFuture.cascade(to: over)
        await withTaskCancellationHandler {
            try? await over.futureResult.get()
        } onCancel: {
            close()
        }
    }

    func close() { channel.close(mode: .all, promise: nil) }
}

/// The order of commands and replies, on the connection's event loop.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Continuation = CheckedContinuation<Result<RedisReply, StoreTrouble>, Never>

    private let timeout: TimeAmount
    private let heard: @Sendable (RedisReply) -> Void
    private var reader = RedisReader()
    private var waiting = CircularBuffer<(continuation: Continuation, until: NIODeadline)>()
    private var timer: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    private var isFlushing = false
    /// Why it ended; kept for commands that come too late.
    private var trouble: StoreTrouble?

    init(timeout: Duration, heard: @escaping @Sendable (RedisReply) -> Void) {
        self.timeout = .milliseconds(timeout.wholeMilliseconds)
        self.heard = heard
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        end(.unreachable)
        reader.close()
    }

    func send(_ wire: [UInt8], _ continuation: Continuation) {
        guard let context, trouble == nil else {
            return continuation.resume(returning: .failure(trouble ?? .unreachable))
        }
        waiting.append((continuation, .now() + timeout))
        if waiting.count == 1 { watch(context) }
        context.write(wrapOutboundOut(ByteBuffer(bytes: wire)), promise: nil)
        // Commands of one turn of the loop leave together.
        guard !isFlushing else { return }
        isFlushing = true
        let own = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            own.value.isFlushing = false
            own.value.context?.flush()
        }
    }

    /// The first that waits has waited longest.
    private func watch(_ context: ChannelHandlerContext) {
        guard let first = waiting.first else { return }
        let own = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(deadline: first.until) { own.value.timeIsUp() }
    }

    private func timeIsUp() {
        guard let context, let first = waiting.first else { return }
        guard first.until <= .now() else { return watch(context) }
        end(.slow)
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        do throws(StoreTrouble) {
            try unsafe buffer.withUnsafeReadableBytes { (bytes) throws(StoreTrouble) in try unsafe reader.feed(bytes)
            }
            while trouble == nil, let reply = try reader.next() { take(reply) }
        } catch {
            end(error)
            context.close(promise: nil)
        }
    }

    private func take(_ reply: RedisReply) {
        // A subscription's first reply is the answer to the command; what follows nobody has asked for.
        if case .array(let parts) = reply, parts.first?.bytes?.elementsEqual("message".utf8) ?? false {
            return heard(reply)
        }
        guard let first = waiting.popFirst() else {
            end(.broken)
            context?.close(promise: nil)
            return
        }
        first.continuation.resume(returning: .success(reply))
        if waiting.isEmpty {
            timer?.cancel()
            timer = nil
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.unreachable)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(RedisTrust.isAbout(error) ? .untrusted : .unreachable)
        context.close(promise: nil)
    }

    /// Everybody who waits hears why.
    private func end(_ reason: StoreTrouble) {
        guard trouble == nil else { return }
        trouble = reason
        timer?.cancel()
        for waiter in waiting { waiter.continuation.resume(returning: .failure(reason)) }
        waiting.removeAll()
    }
}
