// An HTTP proxy that knows CONNECT alone.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TestSupport

final class TunnelProxy: Sendable {
    let port: Int
    private let shared: NIOLockedValueBox<[String]>
    /// The heads of what it was asked.
    var heads: [String] { shared.withLockedValue { $0 } }

    static func with<Result>(_ body: (TunnelProxy) async throws -> Result) async throws -> Result {
        let shared = NIOLockedValueBox<[String]>([])
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Tunnel(shared))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result = try await body(TunnelProxy(channel.localAddress?.port ?? 0, shared))
        try await channel.close()
        return result
    }

    private init(_ port: Int, _ shared: NIOLockedValueBox<[String]>) { (self.port, self.shared) = (port, shared) }
}

/// One side of a tunnel; the other side is another of these.
private final class Tunnel: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let shared: NIOLockedValueBox<[String]>
    private var head: [UInt8] = []
    private var other: (any Channel)?

    init(_ shared: NIOLockedValueBox<[String]>, other: (any Channel)? = nil) {
        (self.shared, self.other) = (shared, other)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if let other { return other.writeAndFlush(buffer, promise: nil) }
        head += buffer.readableBytesView
        guard head.suffix(4).elementsEqual("\r\n\r\n".utf8) else { return }
        let asked = text(head)
        shared.withLockedValue { $0.append(asked) }
        let port = Int(asked.split(separator: " ")[1].split(separator: ":")[1]) ?? 0
        let near = context.channel
        let shared = shared
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        ClientBootstrap(group: context.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Tunnel(shared, other: near))
                }
            }
            .connect(host: "127.0.0.1", port: port).whenSuccess { far in
                bound.value.other = far
                // Fields of a proxy, one of them broken: none may be taken for the tenant's.
                near.writeAndFlush(
                    ByteBuffer(string: "HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\nX-Proxy: \u{1}\r\n\r\n"),
                    promise: nil)
            }
    }

    func channelInactive(context: ChannelHandlerContext) { other?.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
