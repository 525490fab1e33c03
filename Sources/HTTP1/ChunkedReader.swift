// A body in chunks, and the trailers behind it.

package import Model

/// Reads `Transfer-Encoding: chunked` (RFC 9112 section 7.1): sizes are hexadecimal digits and nothing else, extensions are skipped
/// where they have their form, every line ends in CR LF.
package struct ChunkedReader: Sendable {
    package enum Step: Sendable, Equatable {
        /// More bytes are needed.
        case more
        /// These bytes are of the body.
        case data(Range<Int>)
        /// The body and its trailers are complete.
        case end
    }

    private enum Stage: Sendable {
        case size
        case data(Int)
        case dataEnd, trailers, over
    }

    /// Of one line of a size, and of all extensions of a body together.
    private static let longestLine = 4096
    private static let mostExtensions = 65_536
    private static let mostTrailers = (bytes: 65_536, fields: 100)

    private let mustBeUTF8: Bool
    private var stage = Stage.size
    private var extensions = 0
    package private(set) var trailers = HeaderFields()

    package init(mustBeUTF8: Bool) { self.mustBeUTF8 = mustBeUTF8 }

    /// - Parameters:
    ///   - bytes: what has come and was not yet read goes from `position` to `end`.
    ///   - position: moved behind what was read.
    package mutating func next(_ bytes: [UInt8], _ position: inout Int, upTo end: Int) throws(HTTP1Fault) -> Step {
        while true {
            switch stage {
            case .size:
                guard let line = try Self.line(bytes, &position, end, limit: Self.longestLine) else { return .more }
                let size = try readSize(bytes, line)
                stage = size == 0 ? .trailers : .data(size)
            case .data(let left):
                let count = min(left, end - position)
                guard count > 0 else { return .more }
                stage = left == count ? .dataEnd : .data(left - count)
                defer { position += count }
                return .data(position..<position + count)
            case .dataEnd:
                guard end - position >= 2 else {
                    if position < end, bytes[position] != 0x0D { throw .malformed }
                    return .more
                }
                guard bytes[position] == 0x0D, bytes[position + 1] == 0x0A else { throw .malformed }
                position += 2
                stage = .size
            case .trailers:
                guard let line = try Self.line(bytes, &position, end, limit: Self.mostTrailers.bytes) else {
                    return .more
                }
                guard !line.isEmpty else {
                    stage = .over
                    return .end
                }
                guard let field = FieldLine.read(bytes, line, mustBeUTF8: mustBeUTF8) else { throw .malformed }
                guard trailers.count < Self.mostTrailers.fields,
                    trailers.lines.count + line.count < Self.mostTrailers.bytes
                else { throw .tooLarge }
                trailers.append(bytes, field.place)
                // Whoever merges trailers into the head would frame by it.
                if trailers.isCalled(.transferEncoding, at: trailers.count - 1) { throw .malformed }
            case .over: return .end
            }
        }
    }

    /// One line without its CR LF; nil when its end has not come.
    private static func line(_ bytes: [UInt8], _ position: inout Int, _ end: Int, limit: Int) throws(HTTP1Fault)
        -> Range<Int>?
    {
        let start = position
        var index = start
        while index < end {
            if bytes[index] == 0x0A {
                guard index > start, bytes[index - 1] == 0x0D else { throw .malformed }
                position = index + 1
                return start..<index - 1
            }
            index += 1
        }
        guard index - start <= limit else { throw .tooLarge }
        return nil
    }

    private mutating func readSize(_ bytes: [UInt8], _ line: Range<Int>) throws(HTTP1Fault) -> Int {
        var (size, index) = (0, line.lowerBound)
        while index < line.upperBound, let digit = Self.hexadecimal(bytes[index]) {
            guard index - line.lowerBound < 15 else { throw .malformed }
            size = size << 4 | digit
            index += 1
        }
        guard index > line.lowerBound else { throw .malformed }
        guard index < line.upperBound else { return size }
        extensions += line.upperBound - index
        guard line.count <= Self.longestLine, extensions <= Self.mostExtensions else { throw .tooLarge }
        try skipExtensions(bytes, index..<line.upperBound)
        return size
    }

    /// `;name`, `;name=value` and `;name="value"`, any number of them.
    private func skipExtensions(_ bytes: [UInt8], _ range: Range<Int>) throws(HTTP1Fault) {
        var index = range.lowerBound
        func token() throws(HTTP1Fault) {
            let start = index
            while index < range.upperBound, ASCII.isTokenCharacter(bytes[index]) { index += 1 }
            guard index > start else { throw .malformed }
        }
        while index < range.upperBound {
            guard bytes[index] == UInt8(ascii: ";") else { throw .malformed }
            index += 1
            try token()
            guard index < range.upperBound, bytes[index] == UInt8(ascii: "=") else { continue }
            index += 1
            guard index < range.upperBound, bytes[index] == UInt8(ascii: "\"") else {
                try token()
                continue
            }
            index += 1
            while index < range.upperBound, bytes[index] != UInt8(ascii: "\"") {
                guard bytes[index] >= 0x20, bytes[index] < 0x7F, bytes[index] != UInt8(ascii: "\\") else {
                    throw .malformed
                }
                index += 1
            }
            guard index < range.upperBound else { throw .malformed }
            index += 1
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x46: Int(byte) - 0x37
        case 0x61...0x66: Int(byte) - 0x57
        default: nil
        }
    }
}
