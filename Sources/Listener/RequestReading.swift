// A parsed request head as the value that the pipeline takes.

internal import Guard
internal import Model
internal import NIOCore
internal import NIOHTTP1

/// What the connection needs to know of a head beside what the pipeline gets.
struct ReadHead: Sendable {
    let head: RequestHead
    /// Nil for a chunked body.
    let contentLength: Int?
    let isHead: Bool
    let isVersion10: Bool
    let keepAlive: Bool
    let expectsContinue: Bool
    /// An upgrade is ignored (contract 4), but the parser stops behind it: the connection ends with the answer.
    let offersUpgrade: Bool

    /// Nil for framing that must not be guessed at: two lengths, a length that is no plain number, another coding than `chunked`, a
    /// value that was not UTF-8 (the parser shows U+FFFD for it).
    init?(_ parsed: HTTPRequestHead, peer: [UInt8]?) {
        guard parsed.version.major == 1 else { return nil }
        guard let fields = Self.fields(parsed.headers) else { return nil }
        isVersion10 = parsed.version.minor == 0
        let lengths = fields.values(.contentLength)
        let codings = fields.values(.transferEncoding)
        switch (lengths.count, codings.count) {
        case (0, 0): contentLength = 0
        case (1, 0):
            guard let length = ASCII.decimal(lengths[0]) else { return nil }
            contentLength = length
        case (0, 1):
            guard !isVersion10, ASCII.equalIgnoringCase(codings[0], "chunked") else { return nil }
            contentLength = nil
        default: return nil
        }
        let connection = fields.list(.connection)
        let closes = connection.contains { ASCII.equalIgnoringCase($0, "close") }
        let keeps = connection.contains { ASCII.equalIgnoringCase($0, "keep-alive") }
        offersUpgrade = fields.first(.upgrade) != nil
        keepAlive = !offersUpgrade && !closes && (!isVersion10 || keeps)
        isHead = parsed.method == .HEAD
        expectsContinue =
            !isVersion10 && fields.list(.expect).contains { ASCII.equalIgnoringCase($0, "100-continue") }
        head = RequestHead(
            method: Array(parsed.method.rawValue.utf8), target: Array(parsed.uri.utf8), fields: fields, peer: peer)
    }

    /// Nil when a value was not UTF-8: the parser shows U+FFFD for it.
    static func fields(_ parsed: HTTPHeaders) -> HeaderFields? {
        var fields = HeaderFields()
        fields.reserveCapacity(bytes: 512, fields: parsed.count)
        for (name, value) in parsed {
            guard !value.utf8.contains(0xEF) || !value.unicodeScalars.contains("\u{FFFD}") else { return nil }
            fields.append(name, value)
        }
        return fields
    }
}
