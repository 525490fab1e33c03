// Every raw header line of an answer, checked: libcurl takes a dozen broken heads for good ones.

package import Model

/// Reads line after line: status lines, fields, the empty line, and the trailers that libcurl shows after a body (RFC 9112 sections 4
/// and 5, RFC 9110 section 15.2).
package struct AnswerHeadReader: Sendable {
    package enum Step: Equatable {
        /// Fine so far.
        case more
        /// The final head is complete.
        case head
        /// No answer may be built on this.
        case broken
    }

    private enum Stage { case status, fields, done }

    private static let mostFields = 200
    private static let mostBytes = 131_072
    private static let mostInterim = 16

    private var stage = Stage.status
    private var interim = 0
    private(set) var isVersion10 = false
    private var isVersion2 = false
    private(set) var framing = MessageFraming.unsaid
    /// Where its fields begin and where they are, counted from the head's first byte.
    private var block = 0
    private var places: [HeaderFields.Place] = []
    private let isHead: Bool
    private let mayBeHTTP2: Bool
    package private(set) var status = 0
    package private(set) var fields = HeaderFields()
    /// What has come behind the body.
    package private(set) var trailers = HeaderFields()

    /// - Parameters:
    ///   - isHead: whether the request was HEAD: no body whatever the fields say.
    ///   - mayBeHTTP2: whether libcurl may have spoken HTTP/2; it shows such an answer as `HTTP/2 200 ` and its fields.
    package init(isHead: Bool, mayBeHTTP2: Bool) { (self.isHead, self.mayBeHTTP2) = (isHead, mayBeHTTP2) }

    /// Whether nothing but the end of the connection ends the answer (RFC 9112 section 6.3).
    package var endsWithConnection: Bool {
        stage == .done && hasBody && !isVersion2 && framing == .unsaid
    }

    /// Whether a body belongs to the answer, be it an empty one.
    var hasBody: Bool { !isHead && status != 204 && status != 304 }

    /// Whether the next line begins a head.
    package var isBeforeHead: Bool { stage == .status }

    /// - Parameters:
    ///   - bytes: hold all of the head so far. They may hold it at another place the next time.
    ///   - line: of one line, with its line end.
    ///   - start: where in `bytes` the head begins; of no meaning for trailers.
    package mutating func read(_ bytes: [UInt8], _ line: Range<Int>, of start: Int) -> Step {
        guard line.count >= 2, bytes[line.upperBound - 1] == 0x0A, bytes[line.upperBound - 2] == 0x0D else {
            return .broken
        }
        let text = line.lowerBound..<line.upperBound - 2
        switch stage {
        case .status:
            block = line.upperBound - start
            return readStatus(bytes[text])
        case .fields: return text.isEmpty ? endOfHead(bytes, start, text.lowerBound) : readField(bytes, text, start)
        case .done: return text.isEmpty ? .more : readTrailer(bytes, text)
        }
    }

    private mutating func readStatus(_ text: ArraySlice<UInt8>) -> Step {
        guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else { return .broken }
        guard text.starts(with: "HTTP/".utf8) else { return .broken }
        guard let space = text.firstIndex(of: 0x20) else { return .broken }
        let version = text[text.startIndex + 5..<space]
        let codeEnd = text[(space + 1)...].firstIndex(of: 0x20) ?? text.endIndex
        guard codeEnd - space == 4, let code = ASCII.decimal(text[space + 1..<codeEnd]), (100...599).contains(code)
        else { return .broken }
        isVersion10 = version.elementsEqual("1.0".utf8)
        isVersion2 = mayBeHTTP2 && version.elementsEqual("2".utf8) && codeEnd == text.endIndex - 1
        guard isVersion10 || isVersion2 || version.elementsEqual("1.1".utf8) else { return .broken }
        // An interim answer of another kind than "switching protocols", which nobody asked for.
        guard code != 101 else { return .broken }
        status = code
        stage = .fields
        return .more
    }

    private mutating func readTrailer(_ bytes: [UInt8], _ text: Range<Int>) -> Step {
        guard let field = FieldLine.read(bytes, text, mustBeUTF8: false), trailers.count < Self.mostFields,
            trailers.lines.count + text.count < Self.mostBytes
        else { return .broken }
        trailers.append(bytes, field.place)
        return .more
    }

    private mutating func readField(_ bytes: [UInt8], _ text: Range<Int>, _ start: Int) -> Step {
        guard let field = FieldLine.read(bytes, text, mustBeUTF8: false), places.count < Self.mostFields,
            text.upperBound - start < Self.mostBytes
        else { return .broken }
        if places.isEmpty { places.reserveCapacity(16) }
        places.append(field.place.moved(by: -start))
        return .more
    }

    private mutating func endOfHead(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Step {
        if start != 0 { for index in places.indices { places[index] = places[index].moved(by: start) } }
        fields = HeaderFields(bytes, start + block..<end, places)
        places = []
        guard let framing = try? MessageFraming(fields, isVersion10: isVersion10) else { return .broken }
        if status >= 200 {
            (stage, self.framing) = (.done, framing)
            return .head
        }
        interim += 1
        guard interim <= Self.mostInterim else { return .broken }
        (stage, fields) = (.status, HeaderFields())
        return .more
    }
}
