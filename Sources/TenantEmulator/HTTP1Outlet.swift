// Writes one HTTP/1.1 answer, or as much of it as a fault lets through.
import NIOCore

final class HTTP1Outlet: AnswerOutlet {
    var isGone = false
    private let context: ChannelHandlerContext
    private let isHead: Bool
    private let callerCloses: Bool
    private let done: () -> Void

    /// - Parameter done: called once the connection is free for the next request.
    init(_ request: ReceivedRequest, context: ChannelHandlerContext, done: @escaping () -> Void) {
        self.context = context
        self.isHead = request.method.utf8.elementsEqual("HEAD".utf8)
        let asked = request.values("connection").contains { sameIgnoringCase($0.utf8, "close".utf8) }
        self.callerCloses = asked || request.protocolName.utf8.elementsEqual("HTTP/1.0".utf8)
        self.done = done
    }

    func deliver(_ delivery: Delivery, lastByte: @escaping () -> Void) {
        guard !isGone, context.channel.isActive else {
            isGone = true
            return lastByte()
        }
        switch delivery {
        case .whole(let answer):
            lastByte()
            var buffer = head(answer)
            if !isHead { buffer.writeBytes(answer.body) }
            context.writeAndFlush(NIOAny(buffer), promise: nil)
            finish(answer)
        case .cut(let answer, let bodyBytes):
            lastByte()
            var buffer = head(answer)
            buffer.writeBytes(answer.body.prefix(bodyBytes))
            writeThenEnd(buffer)
        case .slowly(let answer, let pause):
            context.writeAndFlush(NIOAny(head(answer)), promise: nil)
            drip(answer, from: 0, pause: pause, lastByte: lastByte)
        case .raw(let text, let filler):
            lastByte()
            context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
            fill(filler)
        case .reset:
            lastByte()
            ConnectionEnd.reset(context.channel)
        }
    }

    private func head(_ answer: TenantAnswer) -> ByteBuffer {
        var buffer = context.channel.allocator.buffer(capacity: answer.body.count + 256)
        buffer.writeString("HTTP/1.1 \(answer.status) \(ReasonPhrase.of(answer.status))\r\n")
        for field in answer.headers {
            buffer.writeString("\(field.name): \(field.value)\r\n")
        }
        if callerCloses { buffer.writeString("Connection: close\r\n") }
        if answer.status != 204, answer.status != 304 {
            buffer.writeString("Content-Length: \(answer.body.count)\r\n")
        }
        buffer.writeString("\r\n")
        return buffer
    }

    private func finish(_ answer: TenantAnswer) {
        if callerCloses || answer.headers.contains(where: { $0.isNamed("connection") }) {
            context.close(promise: nil)
        } else {
            done()
        }
    }

    private func drip(_ answer: TenantAnswer, from offset: Int, pause: TimeAmount, lastByte: @escaping () -> Void) {
        guard offset < answer.body.count, !isHead else {
            lastByte()
            return finish(answer)
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: pause) {
            guard !self.isGone else { return lastByte() }
            if offset + 1 == answer.body.count { lastByte() }
            self.context.writeAndFlush(NIOAny(ByteBuffer(bytes: [answer.body[offset]])), promise: nil)
            self.drip(answer, from: offset + 1, pause: pause, lastByte: lastByte)
        }
    }

    /// Piece by piece, each when the one before it is out: a hundred megabytes are neither held nor encrypted in one go.
    private func fill(_ left: Int) {
        let piece = ByteBuffer(repeating: UInt8(ascii: "a"), count: min(left, 1 << 16))
        guard left > piece.readableBytes else { return writeThenEnd(piece) }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenSuccess { self.fill(left - piece.readableBytes) }
        context.writeAndFlush(NIOAny(piece), promise: written)
    }

    private func writeThenEnd(_ buffer: ByteBuffer) {
        let channel = context.channel
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { _ in ConnectionEnd.abrupt(channel) }
        context.writeAndFlush(NIOAny(buffer), promise: written)
    }
}
