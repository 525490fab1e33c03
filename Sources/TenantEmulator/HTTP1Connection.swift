// One HTTP/1.1 connection: requests in order, answers as bytes, so that a fault can break them anywhere.
import NIOCore
import NIOHTTP1
import NIOPosix

/// Behind a request decoder. Pipelined requests wait for the one before them.
final class HTTP1Connection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private let responder: any Responder
    private var assembly = RequestAssembly()
    private var waiting = CircularBuffer<ReceivedRequest>()
    private var current: HTTP1Outlet?
    private var abandon: (() -> Void)?
    private var readsLater = false
    /// Requests that wait before the socket is read no further.
    private static let mostWaiting = 32

    init(responder: any Responder) {
        self.responder = responder
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            assembly.begin(
                method: head.method.rawValue, target: head.uri,
                protocolName: "HTTP/\(head.version.major).\(head.version.minor)",
                headers: head.headers.map { HeaderField($0.name, $0.value) })
            if head.headers["expect"].contains(where: { sameIgnoringCase($0.utf8, "100-continue".utf8) }) {
                let goOn = ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")
                context.writeAndFlush(wrapOutboundOut(goOn), promise: nil)
            }
        case .body(let piece):
            if !assembly.add(piece) { context.close(promise: nil) }
        case .end:
            guard let request = assembly.finish() else { return }
            waiting.append(request)
            answerNext(context)
        }
    }

    private func answerNext(_ context: ChannelHandlerContext) {
        guard current == nil, context.channel.isActive, let request = waiting.popFirst() else { return }
        let outlet = HTTP1Outlet(request, context: context) { [weak self] in self?.delivered(context) }
        current = outlet
        let abandon = responder.respond(to: request, on: context.eventLoop, through: outlet)
        if current === outlet { self.abandon = abandon }
    }

    private func delivered(_ context: ChannelHandlerContext) {
        current = nil
        abandon = nil
        if readsLater, waiting.count < Self.mostWaiting {
            readsLater = false
            context.read()
        }
        // In a turn of its own, so that a long pipeline does not become a deep stack.
        if !waiting.isEmpty {
            context.eventLoop.assumeIsolated().execute { self.answerNext(context) }
        }
    }

    func read(context: ChannelHandlerContext) {
        if waiting.count < Self.mostWaiting {
            context.read()
        } else {
            readsLater = true
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        waiting.removeAll()
        current?.isGone = true
        abandon?()
        abandon = nil
        current = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError, current == nil {
            let refusal = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: refusal)), promise: nil)
        }
        context.close(promise: nil)
    }
}
