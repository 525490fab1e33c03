// An answer as bytes on the connection (RFC 9112 sections 2 to 7).

internal import HTTP1
internal import Model
internal import NIOCore
internal import Pipeline

/// How the end of an answer's body is told.
enum AnswerFraming: Equatable {
    /// No body and no field for it: 204, 304.
    case none
    case length(Int)
    case chunked
    /// HTTP/1.0 without a known length: the end of the connection.
    case untilClose

    init(status: Int, length: Int?, isVersion10: Bool) {
        if status == 204 || status == 304 {
            self = .none
        } else if let length {
            self = .length(length)
        } else {
            self = isVersion10 ? .untilClose : .chunked
        }
    }
}

/// Writes heads and pieces. The fields have been checked before; nothing here looks at them again.
enum AnswerWriter {
    static func writeHead(
        _ status: Int, _ fields: HeaderFields, _ framing: AnswerFraming, closes: Bool, isVersion10: Bool,
        to out: inout ByteBuffer
    ) {
        out.writeStaticString("HTTP/1.1 ")
        out.writeString(String(status))
        out.writeStaticString(" ")
        out.writeStaticString(ReasonPhrase.of(status))
        out.writeStaticString("\r\n")
        out.writeBytes(fields.lines)
        switch framing {
        case .none, .untilClose: break
        case .length(let length):
            out.writeStaticString("Content-Length: ")
            out.writeString(String(length))
            out.writeStaticString("\r\n")
        case .chunked: out.writeStaticString("Transfer-Encoding: chunked\r\n")
        }
        if closes {
            out.writeStaticString("Connection: close\r\n")
        } else if isVersion10 {
            out.writeStaticString("Connection: keep-alive\r\n")
        }
        out.writeStaticString("\r\n")
    }

    static func writePiece(_ piece: [UInt8], _ framing: AnswerFraming, to out: inout ByteBuffer) {
        guard framing == .chunked else {
            out.writeBytes(piece)
            return
        }
        out.writeString(String(piece.count, radix: 16))
        out.writeStaticString("\r\n")
        out.writeBytes(piece)
        out.writeStaticString("\r\n")
    }

    /// - Parameter trailers: of the tenant; only a chunked body has a place for them.
    static func writeEnd(_ framing: AnswerFraming, _ trailers: HeaderFields, to out: inout ByteBuffer) {
        guard framing == .chunked else { return }
        out.writeStaticString("0\r\n")
        out.writeBytes(trailers.asTrailers().lines)
        out.writeStaticString("\r\n")
    }
}
