// Notices the first bytes of a request before they are parsed.

internal import NIOCore

/// Stands before the decoder and tells the connection that bytes have come, so that a slow header has an end.
final class HeaderClock: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: ConnectionHandler
    init(_ connection: ConnectionHandler) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !connection.isDeaf else { return }
        connection.bytesArrived()
        context.fireChannelRead(data)
    }
}
