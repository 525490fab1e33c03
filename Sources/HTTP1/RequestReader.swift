// What a caller says on one connection: request after request.

package import Model

/// The head of a request.
package struct ReceivedHead: Sendable {
    package let method: [UInt8]
    /// As it was sent: visible ASCII.
    package let target: [UInt8]
    package let isVersion10: Bool
    package let fields: HeaderFields
    /// Nil for a chunked body.
    package let contentLength: Int?
}

/// Takes bytes as they come and gives out the parts of requests. Reads no further than it is asked: what lies behind the end of a
/// request waits until somebody wants the next one.
package struct RequestReader: Sendable {
    package enum Part: Sendable {
        case head(ReceivedHead)
        /// Never empty.
        case body([UInt8])
        /// With the trailers of a chunked body.
        case end(HeaderFields)
    }

    private enum Stage: Sendable {
        case head
        case length(Int)
        case chunks(ChunkedReader)
        case broken(HTTP1Fault)
    }

    private static let longestHead = 131_072
    private static let mostFields = 1000

    private var stage = Stage.head
    private var bytes: [UInt8] = []
    private var position = 0
    /// Of the head that has begun, counted from its first byte: how far its end was looked for, and where each of its lines ends, behind
    /// its LF.
    private var looked = 0
    private var lineEnds: [Int] = []
    /// The one empty line before it.
    private var hasSkipped = false

    package init() {}

    /// How many bytes wait to be read.
    package var waiting: Int { bytes.count - position }

    package mutating func append(_ more: [UInt8]) {
        if position == bytes.count {
            (bytes, position) = (more, 0)
        } else {
            if position > 0 {
                bytes.removeFirst(position)
                position = 0
            }
            bytes += more
        }
    }

    /// The next part; nil when more bytes are needed. After a fault there are no more.
    package mutating func next() throws(HTTP1Fault) -> Part? {
        do throws(HTTP1Fault) { return try step() } catch {
            stage = .broken(error)
            throw error
        }
    }

    private mutating func step() throws(HTTP1Fault) -> Part? {
        switch stage {
        case .head: return try readHead()
        case .length(0):
            stage = .head
            return .end(HeaderFields())
        case .length(let left):
            let count = min(left, waiting)
            guard count > 0 else { return nil }
            stage = .length(left - count)
            defer { position += count }
            return .body(piece(position..<position + count))
        case .chunks(var reader):
            let step = try reader.next(bytes, &position, upTo: bytes.count)
            stage = .chunks(reader)
            switch step {
            case .more: return nil
            case .data(let range): return .body(piece(range))
            case .end:
                stage = .head
                return .end(reader.trailers)
            }
        case .broken(let fault): throw fault
        }
    }

    private func piece(_ range: Range<Int>) -> [UInt8] { range == bytes.indices ? bytes : Array(bytes[range]) }

    // MARK: head

    private mutating func readHead() throws(HTTP1Fault) -> Part? {
        skipEmptyLine()
        guard let length = try findEnd() else { return nil }
        guard length <= Self.longestHead else { throw .tooLarge }
        let head = try Self.parse(bytes, from: position, lineEnds)
        position += length
        (looked, hasSkipped) = (0, false)
        lineEnds.removeAll(keepingCapacity: true)
        stage = head.contentLength.map { .length($0) } ?? .chunks(ChunkedReader(mustBeUTF8: true))
        return .head(head)
    }

    /// One empty line before a request is skipped: old clients put it behind a body (RFC 9112 section 2.2).
    private mutating func skipEmptyLine() {
        guard !hasSkipped, lineEnds.isEmpty, waiting >= 2, bytes[position] == 0x0D, bytes[position + 1] == 0x0A
        else { return }
        position += 2
        (looked, hasSkipped) = (0, true)
    }

    /// How long the head is, its empty line included.
    private mutating func findEnd() throws(HTTP1Fault) -> Int? {
        for index in looked..<waiting where bytes[position + index] == 0x0A {
            let lineStart = lineEnds.last ?? 0
            guard index > lineStart, bytes[position + index - 1] == 0x0D else { throw .malformed }
            if index == lineStart + 1 { return index + 1 }
            guard lineEnds.count <= Self.mostFields else { throw .tooLarge }
            lineEnds.append(index + 1)
        }
        looked = waiting
        guard waiting > 0 else { return nil }
        // What begins like no request is none, however it goes on: nobody waits for the rest.
        let first = bytes[position]
        guard (0x41...0x5A).contains(first) || first == 0x0D else { throw .malformed }
        guard waiting <= Self.longestHead else { throw .tooLarge }
        return nil
    }

    /// - Parameters:
    ///   - start: of the head.
    ///   - lineEnds: of all lines but the empty one.
    private static func parse(_ bytes: [UInt8], from start: Int, _ lineEnds: [Int]) throws(HTTP1Fault) -> ReceivedHead {
        guard let first = lineEnds.first else { throw .malformed }
        let (method, target, isVersion10) = try requestLine(bytes, start..<start + first - 2)
        var places: [HeaderFields.Place] = []
        places.reserveCapacity(lineEnds.count - 1)
        var withTabs: [Int] = []
        var lineStart = start + first
        for end in lineEnds.dropFirst() {
            guard let field = FieldLine.read(bytes, lineStart..<start + end - 2, mustBeUTF8: true) else {
                throw .malformed
            }
            if field.hasTab { withTabs.append(places.count) }
            places.append(field.place)
            lineStart = start + end
        }
        let fields = HeaderFields(bytes, start + first..<lineStart, places)
        // What frames a message is read in one way only.
        guard !withTabs.contains(where: { isFraming(fields, at: $0) }) else { throw .malformed }
        let length: Int? =
            switch try MessageFraming(fields, isVersion10: isVersion10) {
            case .unsaid: 0
            case .length(let length): length
            case .chunked: nil
            }
        return ReceivedHead(
            method: method, target: target, isVersion10: isVersion10, fields: fields, contentLength: length)
    }

    private static func isFraming(_ fields: HeaderFields, at index: Int) -> Bool {
        fields.isCalled(.contentLength, at: index) || fields.isCalled(.transferEncoding, at: index)
    }

    private static func requestLine(_ bytes: [UInt8], _ line: Range<Int>) throws(HTTP1Fault) -> ([UInt8], [UInt8], Bool)
    {
        var index = line.lowerBound
        while index < line.upperBound, bytes[index] != 0x20 { index += 1 }
        let method = bytes[line.lowerBound..<index]
        guard isKnown(method), index < line.upperBound else { throw .malformed }
        let start = index + 1
        index = start
        while index < line.upperBound, bytes[index] != 0x20 {
            guard (0x21...0x7E).contains(bytes[index]), bytes[index] != UInt8(ascii: "#") else { throw .malformed }
            index += 1
        }
        guard index > start, index < line.upperBound, isTarget(bytes[start..<index], of: method) else {
            throw .malformed
        }
        let version = bytes[index + 1..<line.upperBound]
        let isVersion10 = version.elementsEqual("HTTP/1.0".utf8)
        guard isVersion10 || version.elementsEqual("HTTP/1.1".utf8) else { throw .malformed }
        return (Array(method), Array(bytes[start..<index]), isVersion10)
    }

    /// Origin form, absolute form, `*`, or what `CONNECT` names (RFC 9112 section 3.2).
    private static func isTarget(_ target: ArraySlice<UInt8>, of method: ArraySlice<UInt8>) -> Bool {
        if target.first == UInt8(ascii: "/") || target.elementsEqual("*".utf8) { return true }
        if method.elementsEqual("CONNECT".utf8) { return true }
        let rest = target.drop { $0 >= 0x41 && $0 <= 0x5A || $0 >= 0x61 && $0 <= 0x7A }
        return rest.count < target.count && rest.count > 3 && rest.starts(with: "://".utf8)
    }

    /// Of RFC 9110, RFC 5789 and WebDAV; names are told apart by case.
    private static let methods: [[UInt8]] = [
        "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "PROPFIND", "PROPPATCH",
        "MKCOL",
        "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "PURGE",
    ].map { Array($0.utf8) }

    private static func isKnown(_ method: ArraySlice<UInt8>) -> Bool { methods.contains { method.elementsEqual($0) } }
}
