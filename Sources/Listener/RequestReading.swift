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
        let connection = fields.list(.connection)
        let closes = connection.contains { ASCII.equalIgnoringCase($0, "close") }
        let keeps = connection.contains { ASCII.equalIgnoringCase($0, "keep-alive") }
        keepAlive = !closes && (!isVersion10 || keeps)
        isHead = received.method.elementsEqual("HEAD".utf8)
        expectsContinue =
            !isVersion10 && fields.list(.expect).contains { ASCII.equalIgnoringCase($0, "100-continue") }
        head = RequestHead(method: received.method, target: received.target, fields: fields, peer: peer)
    }
}
