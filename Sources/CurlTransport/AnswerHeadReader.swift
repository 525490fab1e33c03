// Every raw header line of an answer, checked: libcurl takes a dozen broken heads for good ones.

internal import Model

/// Reads the lines that libcurl's header callback is given: status lines, fields, the empty line, and trailers after the body
/// (RFC 9112 sections 4 and 5, RFC 9110 section 15.2).
struct AnswerHeadReader: Sendable {
    enum Step: Equatable {
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
    private var isVersion10 = false
    private var isVersion2 = false
    private var contentLengths = 0
    private var transferEncodings = 0
    private let isHead: Bool
    private let mayBeHTTP2: Bool
    private(set) var status = 0
    private(set) var fields = HeaderFields()
    /// What has come behind the body.
    private(set) var trailers = HeaderFields()

    /// - Parameters:
    ///   - isHead: whether the request was HEAD: no body whatever the fields say.
    ///   - mayBeHTTP2: whether libcurl may have spoken HTTP/2; it shows such an answer as `HTTP/2 200 ` and its fields.
    init(isHead: Bool, mayBeHTTP2: Bool) { (self.isHead, self.mayBeHTTP2) = (isHead, mayBeHTTP2) }

    /// Whether nothing but the end of the connection ends the answer (RFC 9112 section 6.3).
    var endsWithConnection: Bool {
        stage == .done && !isHead && !isVersion2 && contentLengths == 0 && transferEncodings == 0 && status != 204
            && status != 304
    }

    /// - Parameter line: one line with its line end.
    mutating func read(_ line: [UInt8]) -> Step {
        guard line.count >= 2, line[line.count - 1] == 0x0A, line[line.count - 2] == 0x0D else { return .broken }
        let text = line[..<(line.count - 2)]
        guard text.allSatisfy({ $0 >= 0x20 || $0 == 0x09 }), !text.contains(0x7F) else { return .broken }
        switch stage {
        case .status: return readStatus(text)
        case .fields: return text.isEmpty ? endOfHead() : readField(text)
        case .done: return text.isEmpty ? .more : readTrailer(text)
        }
    }

    private mutating func readStatus(_ text: ArraySlice<UInt8>) -> Step {
        guard text.starts(with: "HTTP/".utf8) else { return .broken }
        let parts = text.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[1].count == 3, let code = ASCII.decimal(parts[1]), (100...599).contains(code)
        else {
            return .broken
        }
        let version = parts[0].dropFirst(5)
        isVersion10 = version.elementsEqual("1.0".utf8)
        isVersion2 = mayBeHTTP2 && version.elementsEqual("2".utf8) && parts.count == 3 && parts[2].isEmpty
        guard isVersion10 || isVersion2 || version.elementsEqual("1.1".utf8) else { return .broken }
        // An interim answer of another kind than "switching protocols", which nobody asked for.
        guard code != 101 else { return .broken }
        status = code
        stage = .fields
        return .more
    }

    private mutating func readTrailer(_ text: ArraySlice<UInt8>) -> Step {
        guard let (name, value) = Self.field(text), trailers.count < Self.mostFields,
            trailers.lines.count + text.count < Self.mostBytes
        else { return .broken }
        trailers.append(name, value)
        return .more
    }

    private static func field(_ text: ArraySlice<UInt8>) -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex,
            text[..<colon].allSatisfy(ASCII.isTokenCharacter)
        else { return nil }
        return (text[..<colon], ASCII.trimmed(text[(colon + 1)...]))
    }

    private mutating func readField(_ text: ArraySlice<UInt8>) -> Step {
        guard let (name, value) = Self.field(text) else { return .broken }
        if FieldName.contentLength.isSpelled(name) {
            contentLengths += 1
            guard contentLengths == 1, ASCII.decimal(value) != nil else { return .broken }
        } else if FieldName.transferEncoding.isSpelled(name) {
            transferEncodings += 1
            guard transferEncodings == 1, ASCII.equalIgnoringCase(value, "chunked") else { return .broken }
        }
        guard fields.count < Self.mostFields, fields.lines.count + text.count < Self.mostBytes else { return .broken }
        fields.append(name, value)
        return .more
    }

    private mutating func endOfHead() -> Step {
        guard transferEncodings == 0 || (contentLengths == 0 && !isVersion10) else { return .broken }
        if status >= 200 {
            stage = .done
            return .head
        }
        interim += 1
        guard interim <= Self.mostInterim else { return .broken }
        (stage, contentLengths, transferEncodings, fields) = (.status, 0, 0, HeaderFields())
        return .more
    }
}
