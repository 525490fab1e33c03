// A strict reader of JSON text (RFC 8259) that notices what lenient readers swallow.

package enum JSONFault: Error, Equatable {
    case invalidUTF8
    case syntax(offset: Int)
    case duplicateKey
    case tooDeep
    case notAnObject
}

/// Reads one JSON text. Two members of one name are refused in the outermost object; deeper ones are kept as they are.
package struct JSONReading {
    private let bytes: [UInt8]
    private var offset = 0
    private var depth = 0
    /// Deepest nesting that is read.
    private static let deepest = 128

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package static func value(_ bytes: [UInt8]) throws(JSONFault) -> JSONValue {
        guard isUTF8(bytes) else { throw .invalidUTF8 }
        var reading = JSONReading(bytes)
        let value = try reading.value()
        reading.skipSpace()
        guard reading.offset == bytes.count else { throw .syntax(offset: reading.offset) }
        return value
    }

    /// As `value`, for a text that has to be an object.
    package static func object(_ bytes: [UInt8]) throws(JSONFault) -> JSONValue {
        let value = try value(bytes)
        guard case .object = value else { throw .notAnObject }
        return value
    }

    private static func isUTF8(_ bytes: [UInt8]) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    private var next: UInt8? {
        offset < bytes.count ? bytes[offset] : nil
    }

    private var broken: JSONFault {
        .syntax(offset: offset)
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            offset += 1
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func value() throws(JSONFault) -> JSONValue {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try nested { (reading) throws(JSONFault) in try reading.object() }
        case UInt8(ascii: "["): return try nested { (reading) throws(JSONFault) in try reading.array() }
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(
        _ read: (inout JSONReading) throws(JSONFault) -> JSONValue
    ) throws(JSONFault) -> JSONValue {
        offset += 1
        depth += 1
        guard depth <= Self.deepest else { throw .tooDeep }
        let value = try read(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(JSONFault) -> JSONValue {
        var members: [JSONMember] = []
        let outermost = depth == 1
        var names: Set<ExactText> = []
        skipSpace()
        if take("}") { return .object([]) }
        repeat {
            skipSpace()
            let name = try text()
            if outermost, !names.insert(ExactText(name)).inserted { throw .duplicateKey }
            skipSpace()
            guard take(":") else { throw broken }
            members.append(JSONMember(name, try value()))
            skipSpace()
        } while take(",")
        guard take("}") else { throw broken }
        return .object(members)
    }

    private mutating func array() throws(JSONFault) -> JSONValue {
        var items: [JSONValue] = []
        skipSpace()
        if take("]") { return .array([]) }
        repeat {
            items.append(try value())
            skipSpace()
        } while take(",")
        guard take("]") else { throw broken }
        return .array(items)
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONFault) -> JSONValue {
        guard bytes[offset...].starts(with: word.utf8) else { throw broken }
        offset += word.utf8.count
        return value
    }

    private mutating func digits() throws(JSONFault) {
        let start = offset
        while let byte = next, byte >= 0x30, byte <= 0x39 { offset += 1 }
        guard offset > start else { throw broken }
    }

    private mutating func number() throws(JSONFault) -> JSONValue {
        let start = offset
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    private mutating func text() throws(JSONFault) -> String {
        guard take("\"") else { throw broken }
        var plain: [UInt8] = []
        while let byte = next {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: plain, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &plain)
            case 0..<0x20: throw broken
            default: plain.append(byte)
            }
        }
        throw broken
    }

    private mutating func escape(into plain: inout [UInt8]) throws(JSONFault) {
        guard let byte = next else { throw broken }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain.append(byte)
        case UInt8(ascii: "b"): plain.append(0x08)
        case UInt8(ascii: "f"): plain.append(0x0C)
        case UInt8(ascii: "n"): plain.append(0x0A)
        case UInt8(ascii: "r"): plain.append(0x0D)
        case UInt8(ascii: "t"): plain.append(0x09)
        case UInt8(ascii: "u"): plain.append(contentsOf: String(try scalar()).utf8)
        default: throw broken
        }
    }

    /// A `\u` escape, or the pair of them that spells one scalar; a lone surrogate is a fault.
    private mutating func scalar() throws(JSONFault) -> Character {
        var code = try fourDigits()
        if (0xD800..<0xDC00).contains(code) {
            guard take("\\"), take("u") else { throw broken }
            let low = try fourDigits()
            guard (0xDC00..<0xE000).contains(low) else { throw broken }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw broken }
        return Character(scalar)
    }

    private mutating func fourDigits() throws(JSONFault) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw broken
            }
            code = code << 4 + UInt32(digit)
            offset += 1
        }
        return code
    }
}
