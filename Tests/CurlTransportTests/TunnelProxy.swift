// An HTTP proxy that knows CONNECT alone.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TestSupport

final class TunnelProxy: Sendable {
    /// What it was asked, and what it says of each when it is told to.
    fileprivate final class Shared: Sendable {
        struct State {
            var heads: [String] = []
            var held: [@Sendable (_ through: Bool) -> Void] = []
        }
        let holds: Bool
        let state = NIOLockedValueBox(State())
        let asked = Gate()
        init(holds: Bool) { self.holds = holds }
    }

    let port: Int
    private let shared: Shared
    /// The heads of what it was asked.
    var heads: [String] { shared.state.withLockedValue(\.heads) }
    /// Signalled at each.
    var asked: Gate { shared.asked }

    /// Answers what it has held, counted from 1: makes the tunnel, or refuses.
    func answer(_ number: Int, through: Bool) { shared.state.withLockedValue { $0.held[number - 1] }(through) }

    /// - Parameter holds: whether it answers nothing before it is told to.
    static func with<Result>(holds: Bool = false, _ body: (TunnelProxy) async throws -> Result) async throws -> Result {
        let shared = Shared(holds: holds)
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

    private init(_ port: Int, _ shared: Shared) { (self.port, self.shared) = (port, shared) }
}

/// One side of a tunnel; the other side is another of these.
private final class Tunnel: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let shared: TunnelProxy.Shared
    private var head: [UInt8] = []
    private var other: (any Channel)?

    init(_ shared: TunnelProxy.Shared, other: (any Channel)? = nil) {
        (self.shared, self.other) = (shared, other)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if let other { return other.writeAndFlush(buffer, promise: nil) }
        head += buffer.readableBytesView
        guard head.suffix(4).elementsEqual("\r\n\r\n".utf8) else { return }
        let asked = text(head)
        let near = context.channel
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        shared.state.withLockedValue { state in
            state.heads.append(asked)
            state.held.append { through in
                near.eventLoop.execute {
                    if through { return bound.value.connect(near, asked) }
                    near.writeAndFlush(ByteBuffer(string: "HTTP/1.1 502 No\r\n\r\n"), promise: nil)
                    near.close(promise: nil)
                }
            }
        }
        shared.asked.signal()
        if !shared.holds { connect(near, asked) }
    }

    private func connect(_ near: any Channel, _ asked: String) {
        let port = Int(asked.split(separator: " ")[1].split(separator: ":")[1]) ?? 0
        let shared = shared
        let bound = NIOLoopBound(self, eventLoop: near.eventLoop)
        ClientBootstrap(group: near.eventLoop)
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
