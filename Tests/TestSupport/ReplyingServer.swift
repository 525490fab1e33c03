// A server that says the same whatever it is asked.

internal import NIOCore
internal import NIOPosix

/// Says `reply` to the first bytes of every connection and keeps it open.
package func withReplyingServer<Result>(_ reply: [UInt8], _ body: (_ port: Int) async throws -> Result) async throws
    -> Result
{
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelInitializer { child in
            child.eventLoop.makeCompletedFuture {
                try child.pipeline.syncOperations.addHandler(Replying(reply))
            }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    do {
        let result = try await body(channel.localAddress?.port ?? 0)
        try await channel.close()
        return result
    } catch {
        try await channel.close()
        throw error
    }
}

private final class Replying: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    let reply: [UInt8]
    init(_ reply: [UInt8]) { self.reply = reply }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: reply)), promise: nil)
    }
}
