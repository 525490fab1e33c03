// One answer on its way to the caller: head and first piece together, then piece after piece at the caller's pace.

internal import Model
internal import NIOCore
internal import Pipeline

/// Runs in the request's task, on the connection's event loop. One object for all that a request needs here.
final class AnswerDelivery: Sendable {
    let read: ReadHead
    /// Of the request.
    let body: BodyBridge
    private let connection: NIOLoopBound<ConnectionHandler>

    init(of read: ReadHead, to connection: NIOLoopBound<ConnectionHandler>) {
        (self.read, self.connection) = (read, connection)
        body = BodyBridge(of: connection, expectsContinue: read.expectsContinue)
    }

    /// As the pipeline takes it.
    var request: LocalRequest { LocalRequest(head: read.head, body: body, contentLength: read.contentLength) }

    func deliver(_ answer: LocalAnswer) async {
        var first: [UInt8]?
        var isCut = false
        let length: Int?
        switch answer.body {
        case .bytes(let bytes): (first, length) = (bytes, bytes.count)
        case .stream(let stream, let known):
            length = known
            // A body that is already there goes out together with its head.
            do { first = try await firstPiece(of: stream) } catch { isCut = true }
        }
        let framing = AnswerFraming(status: answer.status, length: length, isVersion10: read.isVersion10)
        let closes =
            answer.closes || !read.keepAlive || framing == .untilClose || connection.value.isEnding
        var out = ByteBuffer()
        out.reserveCapacity(answer.fields.lines.count + (first?.count ?? 0) + 160)
        AnswerWriter.writeHead(
            answer.status, answer.fields, framing, closes: closes, isVersion10: read.isVersion10, to: &out)
        let hasBody = !read.isHead && framing != .none
        if hasBody, let first, !first.isEmpty { AnswerWriter.writePiece(first, framing, to: &out) }
        // The head is the tenant's; that nothing follows is for the caller to see.
        if isCut { return await connection.value.cut(out, framing) }
        guard case .stream(let stream, _) = answer.body, hasBody else {
            return await connection.value.finish(out, closes: closes)
        }
        guard first != nil, length != first?.count else {
            AnswerWriter.writeEnd(framing, stream.trailers, to: &out)
            return await connection.value.finish(out, closes: closes)
        }
        await rest(of: stream, behind: out, framing, closes: closes)
    }

    private func firstPiece(of stream: any BodyStream) async throws -> [UInt8]? {
        guard !read.isHead else {
            stream.cancel()
            return nil
        }
        if let ready = stream.nextIfReady() { return try ready.get() }
        return try await withTaskCancellationHandler {
            try await stream.next()
        } onCancel: {
            stream.cancel()
        }
    }

    private func rest(of stream: any BodyStream, behind head: ByteBuffer, _ framing: AnswerFraming, closes: Bool) async
    {
        await withTaskCancellationHandler {
            do {
                try await connection.value.send(head)
                while let piece = try await stream.next() {
                    var out = ByteBuffer()
                    AnswerWriter.writePiece(piece, framing, to: &out)
                    try await connection.value.send(out)
                }
                var out = ByteBuffer()
                AnswerWriter.writeEnd(framing, stream.trailers, to: &out)
                await connection.value.finish(out, closes: closes)
            } catch {
                stream.cancel()
                await connection.value.cut(ByteBuffer(), framing)
            }
        } onCancel: {
            stream.cancel()
        }
    }
}
