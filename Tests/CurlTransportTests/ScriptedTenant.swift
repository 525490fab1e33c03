// A TLS server whose every byte the test chooses.

import FoundationEssentials
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import TenantEmulator
import TestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What a request gets: these bytes, then this end.
struct Reply: Sendable {
    enum End: Sendable {
        case keepOpen
        case close
        /// The TCP connection ends without TLS's own goodbye.
        case cut
        case reset
    }

    var bytes: [UInt8]
    var end = End.keepOpen
    /// What follows, each a TLS record of its own and all of them in one go.
    var records: [[UInt8]] = []
    /// Written again and again until the client has gone; for answers without an end.
    var endless: [UInt8]?

    init(_ text: String, _ end: End = .keepOpen) { (bytes, self.end) = (Array(text.utf8), end) }
    init(bytes: [UInt8], _ end: End = .keepOpen) { (self.bytes, self.end) = (bytes, end) }

    /// A whole answer with this body.
    static func ok(_ body: String = "ok", _ fields: String = "") -> Reply {
        Reply("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
    }
}

final class ScriptedTenant: Sendable {
    /// Which answer each request gets; requests are counted from 1.
    struct Script: Sendable {
        let reply: @Sendable (Int) -> Reply
        static func each(_ reply: @escaping @Sendable (Int) -> Reply) -> Script { Script(reply: reply) }
    }

    struct State {
        var requests: [[UInt8]] = []
        var connections = 0
        var received = 0
        var sent = 0
        var resets: [@Sendable () -> Void] = []
    }

    let port: Int
    let certificates: String
    /// Signalled at each complete request.
    let received = Gate()
    /// Signalled at each connection's end.
    let closed = Gate()
    /// Signalled when the client takes no more of an endless answer.
    let stalled = Gate()
    fileprivate let shared: Shared
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup

    /// What the connections share with the test.
    final class Shared: Sendable {
        let state = NIOLockedValueBox(State())
        let script: Script
        let readsBody: Bool
        init(_ script: Script, readsBody: Bool) { (self.script, self.readsBody) = (script, readsBody) }
    }

    var requests: [[UInt8]] { shared.state.withLockedValue(\.requests) }
    var connections: Int { shared.state.withLockedValue(\.connections) }
    /// Where it works.
    var eventLoop: any EventLoop { channel.eventLoop }
    /// Resets every connection.
    func reset() { for reset in shared.state.withLockedValue(\.resets) { reset() } }

    /// Bytes of requests and answers so far.
    var bytesReceived: Int { shared.state.withLockedValue(\.received) }
    var bytesSent: Int { shared.state.withLockedValue(\.sent) }

    /// - Parameters:
    ///   - readsBody: whether more than the head of a request is ever read.
    ///   - speaksTLS: whether it answers the handshake at all.
    static func with<Result>(
        readsBody: Bool = true, speaksTLS: Bool = true, _ script: Script,
        _ body: (ScriptedTenant) async throws -> Result
    ) async throws -> Result {
        try await withTestFolder { folder in
            let tenant = try await ScriptedTenant(folder, Shared(script, readsBody: readsBody), speaksTLS)
            do {
                let result = try await body(tenant)
                try await tenant.group.shutdownGracefully()
                return result
            } catch {
                try await tenant.group.shutdownGracefully()
                throw error
            }
        }
    }

    private init(_ folder: String, _ shared: Shared, _ speaksTLS: Bool) async throws {
        let authority = try TestAuthority()
        certificates = folder + "/ca.pem"
        try Data(authority.certificatePEM.utf8).write(to: URL(filePath: certificates))
        let context = try authority.serverContext(http2: false)
        self.shared = shared
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let (received, closed, stalled) = (received, closed, stalled)
        channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.socketOption(.so_rcvbuf), value: 65_536)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 16_384, high: 65_536))
            .childChannelInitializer { channel in
                shared.state.withLockedValue { $0.connections += 1 }
                channel.closeFuture.whenComplete { _ in closed.signal() }
                guard speaksTLS else { return channel.eventLoop.makeSucceededVoidFuture() }
                return channel.eventLoop.makeCompletedFuture {
                    let end = BareEnd()
                    let handler = Connection(shared, end, received, stalled)
                    try channel.pipeline.syncOperations.addHandlers(end, NIOSSLServerHandler(context: context), handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }
}

/// Sits below TLS, so that closing from here says no goodbye.
private final class BareEnd: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    private var context: ChannelHandlerContext?
    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
    func close() { context?.close(promise: nil) }
}

private final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let shared: ScriptedTenant.Shared
    private let bareEnd: BareEnd
    private let received: Gate
    private let stalled: Gate
    private var unread: [UInt8] = []
    private var endless: [UInt8]?

    init(_ shared: ScriptedTenant.Shared, _ bareEnd: BareEnd, _ received: Gate, _ stalled: Gate) {
        (self.shared, self.bareEnd, self.received, self.stalled) = (shared, bareEnd, received, stalled)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let piece = Array(unwrapInboundIn(data).readableBytesView)
        shared.state.withLockedValue { $0.received += piece.count }
        unread += piece
        while let length = Self.wholeRequest(unread, headOnly: !shared.readsBody) {
            let request = Array(unread[..<length])
            unread.removeFirst(length)
            let number = shared.state.withLockedValue { state in
                state.requests.append(request)
                return state.requests.count
            }
            if !shared.readsBody { context.channel.setOption(.autoRead, value: false).whenComplete { _ in } }
            answer(shared.script.reply(number), context)
            received.signal()
        }
    }

    private func answer(_ reply: Reply, _ context: ChannelHandlerContext) {
        if reply.records.isEmpty {
            write(reply.bytes, context)
        } else {
            for record in [reply.bytes] + reply.records {
                context.write(wrapOutboundOut(ByteBuffer(bytes: record)), promise: nil)
            }
            context.flush()
        }
        switch reply.end {
        case .keepOpen: break
        case .close: context.close(promise: nil)
        case .cut: bareEnd.close()
        case .reset: reset(context.channel)
        }
        endless = reply.endless
        pour(context)
    }

    private func reset(_ channel: any Channel) {
        // Done at once: this runs on the connection's own event loop.
        (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        bareEnd.close()
    }

    func channelActive(context: ChannelHandlerContext) {
        let (channel, bound) = (context.channel, NIOLoopBound(self, eventLoop: context.eventLoop))
        shared.state.withLockedValue { state in
            state.resets.append { channel.eventLoop.execute { bound.value.reset(channel) } }
        }
        context.fireChannelActive()
    }

    private func write(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        shared.state.withLockedValue { $0.sent += bytes.count }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    private func pour(_ context: ChannelHandlerContext) {
        guard let endless else { return }
        while context.channel.isWritable, context.channel.isActive { write(endless, context) }
        stalled.signal()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { if context.channel.isWritable { pour(context) } }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// How many bytes the first request has; nil while it is not complete.
    private static func wholeRequest(_ bytes: [UInt8], headOnly: Bool) -> Int? {
        guard let head = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        if headOnly { return bytes.count }
        let fields = text(bytes[..<head.lowerBound]).lowercased().split(separator: "\r\n")
        if fields.contains("transfer-encoding: chunked") {
            let hasLast = bytes.firstRange(of: Array("\n0\r\n".utf8)) != nil
            return hasLast && bytes.suffix(4).elementsEqual("\r\n\r\n".utf8) ? bytes.count : nil
        }
        let length = fields.compactMap { $0.hasPrefix("content-length: ") ? Int($0.dropFirst(16)) : nil }.first ?? 0
        return bytes.count >= head.upperBound + length ? head.upperBound + length : nil
    }
}
