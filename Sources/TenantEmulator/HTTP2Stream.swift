// One HTTP/2 stream: a request and its answer. Broken answers take the whole connection with them.
import NIOCore
import NIOHPACK
import NIOHTTP2

final class HTTP2Stream: ChannelInboundHandler, AnswerOutlet {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private(set) var isGone = false
    private let responder: any Responder
    private var assembly = RequestAssembly()
    private var context: ChannelHandlerContext?
    private var abandon: (() -> Void)?
    private var isHead = false
    private var hasHead = false

    init(responder: any Responder) {
        self.responder = responder
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame):
            // A second HEADERS frame is trailers, which nobody here reads.
            if !hasHead { begin(frame.headers) }
            if frame.endStream { finish(context) }
        case .data(let frame):
            guard case .byteBuffer(let piece) = frame.data, assembly.add(piece) else {
                return context.close(promise: nil)
            }
            if frame.endStream { finish(context) }
        default: return
        }
    }

    /// Keeps the pseudo header fields among the others: the log shows what was received.
    private func begin(_ headers: HPACKHeaders) {
        hasHead = true
        let method = headers.first(name: ":method") ?? ""
        isHead = method.utf8.elementsEqual("HEAD".utf8)
        assembly.begin(
            method: method, target: headers.first(name: ":path") ?? "", protocolName: "HTTP/2",
            headers: headers.map { HeaderField($0.name, $0.value) })
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard let request = assembly.finish() else { return }
        abandon = responder.respond(to: request, on: context.eventLoop, through: self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        abandon?()
        abandon = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func deliver(_ delivery: Delivery, lastByte: @escaping () -> Void) {
        guard let context, !isGone, context.channel.isActive else {
            isGone = true
            return lastByte()
        }
        switch delivery {
        case .whole(let answer):
            lastByte()
            write(head(answer), to: context)
            context.writeAndFlush(data(isHead ? [] : answer.body[...], last: true), promise: nil)
        case .cut(let answer, let bodyBytes):
            lastByte()
            write(head(answer), to: context)
            let written = context.eventLoop.makePromise(of: Void.self)
            let connection = context.channel.parent
            written.futureResult.whenComplete { _ in connection.map(ConnectionEnd.abrupt) }
            context.writeAndFlush(data(answer.body.prefix(bodyBytes), last: false), promise: written)
        case .slowly(let answer, let pause):
            write(head(answer), to: context)
            context.flush()
            drip(isHead ? [] : answer.body[...], pause: pause, lastByte: lastByte)
        case .raw, .reset:
            lastByte()
            context.channel.parent.map(ConnectionEnd.reset)
        }
    }

    private func head(_ answer: TenantAnswer) -> NIOAny {
        var headers = HPACKHeaders([(":status", String(answer.status))])
        for field in answer.headers where !field.isNamed("connection") {
            headers.add(name: String(decoding: field.name.utf8.map(lowercased), as: UTF8.self), value: field.value)
        }
        if answer.status != 204, answer.status != 304 {
            headers.add(name: "content-length", value: String(answer.body.count))
        }
        return wrapOutboundOut(.headers(.init(headers: headers)))
    }

    private func data(_ bytes: ArraySlice<UInt8>, last: Bool) -> NIOAny {
        wrapOutboundOut(.data(.init(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: last)))
    }

    private func write(_ frame: NIOAny, to context: ChannelHandlerContext) {
        context.write(frame, promise: nil)
    }

    private func drip(_ rest: ArraySlice<UInt8>, pause: TimeAmount, lastByte: @escaping () -> Void) {
        guard let context, !isGone else { return lastByte() }
        guard !rest.isEmpty else {
            lastByte()
            context.writeAndFlush(data([], last: true), promise: nil)
            return
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: pause) {
            guard let context = self.context, !self.isGone else { return lastByte() }
            let isLast = rest.count == 1
            if isLast { lastByte() }
            context.writeAndFlush(self.data(rest.prefix(1), last: isLast), promise: nil)
            if !isLast { self.drip(rest.dropFirst(), pause: pause, lastByte: lastByte) }
        }
    }
}
