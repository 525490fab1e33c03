// What a connection writes: answers, `100 Continue`, and its end.

internal import Model
internal import NIOCore
internal import Pipeline

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

extension ConnectionHandler {
    /// The body is wanted.
    func sendContinue() {
        guard let context, let current, !current.isAnswered, !current.isComplete, !isClosing else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
    }

    /// Answered once, without having looked further, and the connection is over.
    func refuse(_ context: ChannelHandlerContext, _ error: ProxyError) {
        let answer = pipeline.refuse(error)
        guard case .bytes(let body) = answer.body else { return }
        var out = context.channel.allocator.buffer(capacity: 512)
        AnswerWriter.writeHead(
            answer.status, answer.fields, .length(body.count), closes: true, isVersion10: false, to: &out)
        out.writeBytes(body)
        context.writeAndFlush(wrapOutboundOut(out), promise: nil)
        closeAfterAnswer()
    }

    /// Whether the answer that is begun now is the last one: whoever has not sent the whole of a request cannot be asked for the next.
    var isEnding: Bool { isDraining || isBroken || current?.isComplete == false }

    /// Returns when the bytes have left, so that a slow reader slows its sender.
    func send(_ out: ByteBuffer) async throws {
        guard let context else { throw ChannelError.ioOnClosedChannel }
        current?.isAnswered = true
        expect(within: limits.idle)
        isFlushing = true
        defer { isFlushing = false }
        try await context.channel.writeAndFlush(out)
    }

    /// A caller that asks on without reading gets nothing more until it has taken what is there.
    func finish(_ out: ByteBuffer, closes: Bool) async {
        var out = out
        if let context, !context.channel.isWritable {
            do { try await send(out) } catch { return }
            out.clear()
        }
        guard let context, current != nil else { return }
        current = nil
        expect(within: limits.idle)
        if out.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(out), promise: nil) }
        if closes { return closeAfterAnswer() }
        readParts(context)
        readOn()
        // The head of this answer went out before the end was known, so the caller does not know it either.
        if isDraining, current == nil { closeUnlessAsked() }
    }

    /// An answer that cannot be completed is cut where everybody can see it. Where the end of the connection would be the end of the
    /// body, the connection is reset instead.
    func cut(_ out: ByteBuffer, _ framing: AnswerFraming) async {
        if out.readableBytes > 0 { try? await send(out) }
        current = nil
        isClosing = true
        guard let context else { return }
        if framing == .untilClose {
            try? await (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                .get()
        }
        context.close(promise: nil)
    }

    /// Ends our half and waits a moment for the caller's: closing at once would reset the connection and could take the answer with
    /// it while the caller is still sending.
    private func closeAfterAnswer() {
        guard let context else { return }
        isClosing = true
        expect(within: limits.linger)
        let channel = context.channel
        context.close(mode: .output, promise: nil)
        context.eventLoop.scheduleTask(in: .milliseconds(limits.linger.wholeMilliseconds)) {
            channel.close(promise: nil)
        }
        if readHeld { context.read() }
        readHeld = false
    }
}
