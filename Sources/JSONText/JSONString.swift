// One JSON string: from its spelling to bytes and back.

/// Decoding and encoding of strings. Text is UTF-8 bytes, never a Swift `String`: names and tokens are compared as bytes.
package enum JSONString {
    /// The UTF-8 bytes that a string spells. `range` covers the spelling with its quotes and must have passed the grammar.
    static func decode(_ text: Span<UInt8>, _ range: Range<Int>) throws(JSONFault) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(range.count)
        var at = range.lowerBound + 1
        let end = range.upperBound - 1
        while at < end {
            guard text[at] == UInt8(ascii: "\\") else {
                decoded.append(text[at])
                at += 1
                continue
            }
            switch text[at + 1] {
            case UInt8(ascii: "b"): decoded.append(0x08)
            case UInt8(ascii: "f"): decoded.append(0x0C)
            case UInt8(ascii: "n"): decoded.append(0x0A)
            case UInt8(ascii: "r"): decoded.append(0x0D)
            case UInt8(ascii: "t"): decoded.append(0x09)
            case UInt8(ascii: "u"):
                var scalar = try JSONGrammar.codeUnit(text, at + 2)
                at += 4
                if scalar >= 0xD800, scalar <= 0xDBFF {
                    let low = try JSONGrammar.codeUnit(text, at + 4)
                    scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
                    at += 6
                }
                appendScalar(scalar, to: &decoded)
            default: decoded.append(text[at + 1])
            }
            at += 2
        }
        return decoded
    }

    private static func appendScalar(_ scalar: UInt32, to bytes: inout [UInt8]) {
        func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(scalar >> shift & 0x3F) }
        switch scalar {
        case 0..<0x80: bytes.append(UInt8(scalar))
        case 0x80..<0x800: bytes += [0xC0 | UInt8(scalar >> 6), tail(0)]
        case 0x800..<0x10000: bytes += [0xE0 | UInt8(scalar >> 12), tail(6), tail(0)]
        default: bytes += [0xF0 | UInt8(scalar >> 18 & 0x07), tail(12), tail(6), tail(0)]
        }
    }

    /// Appends the spelling of `value` with quotes. `value` has to be UTF-8; only what must be escaped is escaped.
    package static func append(_ value: [UInt8], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        // From where on nothing had to be escaped.
        var start = 0
        for (index, byte) in value.enumerated()
        where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            text += value[start..<index]
            start = index + 1
            if byte < 0x20 {
                text += Array("\\u00".utf8)
                text += [hexDigit(byte >> 4), hexDigit(byte & 0x0F)]
            } else {
                text += [UInt8(ascii: "\\"), byte]
            }
        }
        text += value[start...]
        text.append(UInt8(ascii: "\""))
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x61 + nibble - 10 }
}
