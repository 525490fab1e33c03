// A request as bytes.

package import Model

/// Writes what goes to the tenant. Method, target and fields have been checked before; nothing here looks at them again.
package enum RequestWriter {
    /// What stands between the target and the fields: the same for every request to one origin.
    package struct Place: Sendable {
        fileprivate let bytes: [UInt8]
        /// - Parameter authority: for `Host`.
        package init(authority: [UInt8]) {
            bytes = Array(" HTTP/1.1\r\nHost: ".utf8) + authority + Array("\r\n".utf8)
        }
    }

    /// The head, and the body behind it where it is known whole.
    package static func head(_ request: UpstreamRequest, to place: Place) -> [UInt8] {
        var out: [UInt8] = []
        var body: [UInt8] = []
        if case .bytes(let bytes) = request.body { body = bytes }
        out.reserveCapacity(
            request.method.count + request.target.count + place.bytes.count + request.fields.lines.count + body.count
                + 48)
        out += request.method
        out.append(0x20)
        out += request.target
        out += place.bytes
        out += request.fields.lines
        switch request.body {
        case .none: break
        case .bytes(let bytes): length(bytes.count, &out)
        case .stream(_, let count?): length(count, &out)
        case .stream(_, nil): out += "Transfer-Encoding: chunked\r\n".utf8
        }
        out.append(0x0D)
        out.append(0x0A)
        out += body
        return out
    }

    private static func length(_ count: Int, _ out: inout [UInt8]) {
        out += "Content-Length: ".utf8
        out += String(count).utf8
        out += "\r\n".utf8
    }

    /// - Parameter piece: not empty.
    package static func chunk(_ piece: ArraySlice<UInt8>) -> [UInt8] {
        var out = Array(String(piece.count, radix: 16).utf8)
        out.reserveCapacity(piece.count + 12)
        out += "\r\n".utf8
        out += piece
        out += "\r\n".utf8
        return out
    }

    package static func lastChunk(_ trailers: HeaderFields) -> [UInt8] {
        Array("0\r\n".utf8) + trailers.lines + Array("\r\n".utf8)
    }
}
