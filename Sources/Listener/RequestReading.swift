// A request head as the value that the pipeline takes.

internal import Guard
internal import HTTP1
internal import Model

/// What the connection needs to know of a head beside what the pipeline gets.
struct ReadHead: Sendable {
    let head: RequestHead
    /// Nil for a chunked body.
    let contentLength: Int?
    let isHead: Bool
    let isVersion10: Bool
    let keepAlive: Bool
    let expectsContinue: Bool

    /// - Parameter peer: the caller's address if it is not loopback.
    init(_ received: ReceivedHead, peer: [UInt8]?) {
        let fields = received.fields
        isVersion10 = received.isVersion10
        contentLength = received.contentLength
        keepAlive = fields.keepConnection(isVersion10: isVersion10)
        isHead = received.method.elementsEqual("HEAD".utf8)
        expectsContinue = !isVersion10 && fields.lists("100-continue", in: .expect)
        head = RequestHead(method: received.method, target: received.target, fields: fields, peer: peer)
    }
}
