// All of an answer: its head, its body, its end.

package import Model

/// Reads one answer from the bytes of a connection (RFC 9112 section 6). It is read where it is, and never copied.
package struct AnswerReader: ~Copyable, Sendable {
    package enum Part: Sendable, Equatable {
        /// `status` and `fields` are there.
        case head
        /// These bytes are of the body.
        case body(Range<Int>)
        /// The answer is complete.
        case end
    }

    private enum Stage: Sendable {
        case head
        case length(Int)
        case chunks(ChunkedReader)
        case untilClose
        case over
    }

    private static let longestLine = 131_072

    private var head: AnswerHeadReader
    private var stage = Stage.head
    /// Of the head that has begun, from its first byte on: how far the end of a line was looked for, and where that line begins.
    private var looked = 0
    private var lineStart = 0

    package init(isHead: Bool) { head = AnswerHeadReader(isHead: isHead, mayBeHTTP2: false) }

    package var status: Int { head.status }
    package var fields: HeaderFields { head.fields }
    /// What has come behind the body.
    package private(set) var trailers = HeaderFields()

    /// Whether nothing but the end of the connection ends the answer.
    package var endsWithConnection: Bool { if case .untilClose = stage { true } else { false } }

    /// Whether another request may go out on the connection behind a complete answer.
    package private(set) var keepsConnection = false

    /// The next part; nil when more bytes are needed.
    /// - Parameters:
    ///   - bytes: what has come and was not yet read goes from `position` to `end`. What is not read now is there again the next time,
    ///     from its first byte on.
    ///   - position: moved behind what was read: a head is read when it is whole.
    package mutating func next(_ bytes: [UInt8], _ position: inout Int, upTo end: Int) throws(HTTP1Fault) -> Part? {
        switch stage {
        case .head: return try readHead(bytes, &position, end)
        case .length(0):
            stage = .over
            return .end
        case .length(let left):
            guard let range = take(left, &position, end) else { return nil }
            stage = .length(left - range.count)
            return .body(range)
        case .untilClose: return take(.max, &position, end).map { .body($0) }
        case .chunks(var reader):
            let step = try reader.next(bytes, &position, upTo: end)
            stage = .chunks(reader)
            switch step {
            case .more: return nil
            case .data(let range): return .body(range)
            case .end:
                (stage, trailers) = (.over, reader.trailers)
                return .end
            }
        case .over: return nil
        }
    }

    private func take(_ most: Int, _ position: inout Int, _ end: Int) -> Range<Int>? {
        let count = min(most, end - position)
        guard count > 0 else { return nil }
        defer { position += count }
        return position..<position + count
    }

    private mutating func readHead(_ bytes: [UInt8], _ position: inout Int, _ end: Int) throws(HTTP1Fault) -> Part? {
        var index = position + looked
        while index < end {
            guard bytes[index] == 0x0A else {
                index += 1
                continue
            }
            let line = position + lineStart..<index + 1
            index += 1
            switch head.read(bytes, line, of: position) {
            case .more where head.isBeforeHead: (position, lineStart) = (index, 0)
            case .more: lineStart = index - position
            case .broken: throw .malformed
            case .head:
                position = index
                begin()
                return .head
            }
        }
        guard index - position - lineStart <= Self.longestLine else { throw .tooLarge }
        looked = index - position
        return nil
    }

    private mutating func begin() {
        keepsConnection = head.fields.keepConnection(isVersion10: head.isVersion10)
        guard head.hasBody else {
            stage = .length(0)
            return
        }
        stage =
            switch head.framing {
            case .unsaid: .untilClose
            case .length(let length): .length(length)
            case .chunked: .chunks(ChunkedReader(mustBeUTF8: false))
            }
    }
}
