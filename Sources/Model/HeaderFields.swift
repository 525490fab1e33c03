// Header fields as the bytes they are on the wire.

/// An ordered list of header fields (RFC 9110 section 5), kept as their lines: `name: value\r\n` one after another.
/// Names keep the case they came in; values are any bytes but CR, LF and NUL.
package struct HeaderFields: Sendable, Equatable {
    /// One field; both slices point into the list's own bytes.
    package struct Field: Sendable {
        package let name: ArraySlice<UInt8>
        /// Without surrounding white space.
        package let value: ArraySlice<UInt8>
    }

    private struct Span: Sendable, Equatable {
        let start: Int
        let nameEnd: Int
        let end: Int
    }

    /// All lines, each ended by CR LF, without the empty line that ends a head.
    package private(set) var lines: [UInt8] = []
    private var spans: [Span] = []

    package init() {}

    package var count: Int { spans.count }

    package mutating func reserveCapacity(bytes: Int, fields: Int) {
        lines.reserveCapacity(bytes)
        spans.reserveCapacity(fields)
    }

    // Concrete types on purpose: a generic one is not specialised across targets, and this is called for every field.

    /// Adds a field at the end. The caller has checked name and value.
    package mutating func append(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        let start = lines.count
        lines += name
        let nameEnd = separate()
        lines += value
        end(start, nameEnd)
    }

    package mutating func append(_ name: FieldName, _ value: [UInt8]) {
        let start = lines.count
        lines += name.bytes
        let nameEnd = separate()
        lines += value
        end(start, nameEnd)
    }

    /// Adds a field whose name and value are texts.
    package mutating func append(_ name: String, _ value: String) {
        let start = lines.count
        lines += name.utf8
        let nameEnd = separate()
        lines += value.utf8
        end(start, nameEnd)
    }

    /// Adds a field whose value is plain text.
    package mutating func append(_ name: FieldName, _ value: String) { append(name, Array(value.utf8)) }

    private mutating func separate() -> Int {
        defer {
            lines.append(UInt8(ascii: ":"))
            lines.append(UInt8(ascii: " "))
        }
        return lines.count
    }

    private mutating func end(_ start: Int, _ nameEnd: Int) {
        spans.append(Span(start: start, nameEnd: nameEnd, end: lines.count))
        lines.append(0x0D)
        lines.append(0x0A)
    }

    package subscript(_ index: Int) -> Field {
        let span = spans[index]
        return Field(name: lines[span.start..<span.nameEnd], value: lines[span.nameEnd + 2..<span.end])
    }

    /// One whole line without its CR LF.
    package func line(_ index: Int) -> ArraySlice<UInt8> { lines[spans[index].start..<spans[index].end] }

    /// The values of all fields called `name`, in order.
    package func values(_ name: FieldName) -> [ArraySlice<UInt8>] {
        var found: [ArraySlice<UInt8>] = []
        for index in spans.indices where name.isSpelled(self[index].name) { found.append(self[index].value) }
        return found
    }

    /// The value of the first field called `name`.
    package func first(_ name: FieldName) -> ArraySlice<UInt8>? {
        for index in spans.indices where name.isSpelled(self[index].name) { return self[index].value }
        return nil
    }

    /// The elements of all fields called `name` taken as comma-separated lists, without white space, none empty.
    package func list(_ name: FieldName) -> [ArraySlice<UInt8>] {
        values(name).flatMap { $0.split(separator: UInt8(ascii: ",")) }
            .map { ASCII.trimmed($0) }
            .filter { !$0.isEmpty }
    }
}

/// A header field name, compared as ASCII without regard to case.
package struct FieldName: Sendable, Hashable, ExpressibleByStringLiteral {
    /// As it is sent.
    package let bytes: [UInt8]
    private let lowered: [UInt8]

    package init(_ name: [UInt8]) {
        bytes = name
        lowered = bytes.map(ASCII.lowered)
    }
    package init(stringLiteral name: String) { self.init(Array(name.utf8)) }

    package static func == (left: Self, right: Self) -> Bool { left.lowered == right.lowered }
    package func hash(into hasher: inout Hasher) { hasher.combine(lowered) }

    /// Whether `name` is this name in any case.
    package func isSpelled(_ name: ArraySlice<UInt8>) -> Bool {
        guard name.count == lowered.count else { return false }
        var index = lowered.startIndex
        for byte in name {
            if ASCII.lowered(byte) != lowered[index] { return false }
            index += 1
        }
        return true
    }

    /// Whether a program that treats `_` as `-` would take `name` for this name (contract 4).
    package func collides(with name: ArraySlice<UInt8>) -> Bool {
        guard name.count == lowered.count else { return false }
        var index = lowered.startIndex
        for byte in name {
            let folded = byte == UInt8(ascii: "_") ? UInt8(ascii: "-") : ASCII.lowered(byte)
            let own = lowered[index] == UInt8(ascii: "_") ? UInt8(ascii: "-") : lowered[index]
            if folded != own { return false }
            index += 1
        }
        return true
    }
}

/// Small questions about ASCII bytes.
package enum ASCII {
    package static func lowered(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    /// Without spaces and tabs at both ends.
    package static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return bytes
    }

    /// Whether two spellings are the same but for case; `name` is ASCII.
    package static func equalIgnoringCase(_ bytes: ArraySlice<UInt8>, _ name: String) -> Bool {
        bytes.count == name.utf8.count && zip(bytes, name.utf8).allSatisfy { lowered($0) == lowered($1) }
    }

    /// A number of 1 to 18 digits and nothing else.
    package static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...18).contains(digits.count) else { return nil }
        var number = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            number = number * 10 + Int(digit - 0x30)
        }
        return number
    }

    /// RFC 9110 token characters.
    package static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
