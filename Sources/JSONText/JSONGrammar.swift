// The grammar of RFC 8259 over bytes: each function moves an index past one construct or throws.

/// A strict reader that builds nothing. All functions take the whole document and the index they start at, and leave the
/// index behind what they read.
package enum JSONGrammar {
    /// The deepest nesting that is read, the top-level object being 1 (contract 5).
    package static let maximumDepth = 64

    /// Moves past white space.
    static func skipSpace(_ text: Span<UInt8>, _ at: inout Int) {
        while at < text.count {
            switch text[at] {
            case 0x20, 0x09, 0x0A, 0x0D: at += 1
            default: return
            }
        }
    }

    /// Moves past one value. `depth` is the number of containers around it.
    static func skipValue(_ text: Span<UInt8>, _ at: inout Int, depth: Int) throws(JSONFault) {
        guard at < text.count else { throw .syntax }
        switch text[at] {
        case UInt8(ascii: "{"): try skipObject(text, &at, depth: depth)
        case UInt8(ascii: "["): try skipArray(text, &at, depth: depth)
        case UInt8(ascii: "\""): _ = try skipString(text, &at)
        case UInt8(ascii: "t"): try skipWord("true", text, &at)
        case UInt8(ascii: "f"): try skipWord("false", text, &at)
        case UInt8(ascii: "n"): try skipWord("null", text, &at)
        default: try skipNumber(text, &at)
        }
    }

    private static func skipObject(_ text: Span<UInt8>, _ at: inout Int, depth: Int) throws(JSONFault) {
        guard depth < maximumDepth else { throw .tooDeep }
        at += 1
        skipSpace(text, &at)
        if at < text.count, text[at] == UInt8(ascii: "}") {
            at += 1
            return
        }
        while true {
            _ = try skipString(text, &at)
            skipSpace(text, &at)
            try expect(UInt8(ascii: ":"), text, &at)
            skipSpace(text, &at)
            try skipValue(text, &at, depth: depth + 1)
            skipSpace(text, &at)
            if try closes(with: UInt8(ascii: "}"), text, &at) { return }
            skipSpace(text, &at)
        }
    }

    private static func skipArray(_ text: Span<UInt8>, _ at: inout Int, depth: Int) throws(JSONFault) {
        guard depth < maximumDepth else { throw .tooDeep }
        at += 1
        skipSpace(text, &at)
        if at < text.count, text[at] == UInt8(ascii: "]") {
            at += 1
            return
        }
        while true {
            try skipValue(text, &at, depth: depth + 1)
            skipSpace(text, &at)
            if try closes(with: UInt8(ascii: "]"), text, &at) { return }
            skipSpace(text, &at)
        }
    }

    /// Moves past a comma (false) or the closing bracket (true).
    static func closes(with bracket: UInt8, _ text: Span<UInt8>, _ at: inout Int) throws(JSONFault) -> Bool {
        guard at < text.count else { throw .syntax }
        defer { at += 1 }
        if text[at] == bracket { return true }
        guard text[at] == UInt8(ascii: ",") else { throw .syntax }
        return false
    }

    static func expect(_ byte: UInt8, _ text: Span<UInt8>, _ at: inout Int) throws(JSONFault) {
        guard at < text.count, text[at] == byte else { throw .syntax }
        at += 1
    }

    private static func skipWord(_ word: StaticString, _ text: Span<UInt8>, _ at: inout Int) throws(JSONFault) {
        let length = word.utf8CodeUnitCount
        guard text.count - at >= length else { throw .syntax }
        for offset in 0..<length where unsafe word.utf8Start[offset] != text[at + offset] { throw .syntax }
        at += length
    }

    private static func skipNumber(_ text: Span<UInt8>, _ at: inout Int) throws(JSONFault) {
        if at < text.count, text[at] == UInt8(ascii: "-") { at += 1 }
        guard at < text.count else { throw .syntax }
        if text[at] == UInt8(ascii: "0") { at += 1 } else { try skipDigits(text, &at) }
        if at < text.count, text[at] == UInt8(ascii: ".") {
            at += 1
            try skipDigits(text, &at)
        }
        if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") { at += 1 }
            try skipDigits(text, &at)
        }
    }

    private static func skipDigits(_ text: Span<UInt8>, _ at: inout Int) throws(JSONFault) {
        let start = at
        while at < text.count, text[at] >= 0x30, text[at] <= 0x39 { at += 1 }
        guard at > start else { throw .syntax }
    }

    /// Moves past a string with its quotes. Returns whether it holds an escape.
    static func skipString(_ text: Span<UInt8>, _ at: inout Int) throws(JSONFault) -> Bool {
        try expect(UInt8(ascii: "\""), text, &at)
        var escaped = false
        while at < text.count {
            let byte = text[at]
            if byte == UInt8(ascii: "\"") {
                at += 1
                return escaped
            }
            if byte == UInt8(ascii: "\\") {
                escaped = true
                try skipEscape(text, &at)
            } else if byte < 0x20 {
                throw .syntax
            } else if byte < 0x80 {
                at += 1
            } else {
                try skipScalar(text, &at)
            }
        }
        throw .syntax
    }

    private static func skipEscape(_ text: Span<UInt8>, _ at: inout Int) throws(JSONFault) {
        guard at + 1 < text.count else { throw .syntax }
        switch text[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            let unit = try codeUnit(text, at + 2)
            at += 6
            if unit >= 0xDC00, unit <= 0xDFFF { throw .loneSurrogate }
            guard unit >= 0xD800, unit <= 0xDBFF else { return }
            guard at + 1 < text.count, text[at] == UInt8(ascii: "\\"), text[at + 1] == UInt8(ascii: "u") else {
                throw .loneSurrogate
            }
            let low = try codeUnit(text, at + 2)
            guard low >= 0xDC00, low <= 0xDFFF else { throw .loneSurrogate }
            at += 6
        default: throw .syntax
        }
    }

    /// The four hexadecimal digits at `start` as a UTF-16 code unit.
    static func codeUnit(_ text: Span<UInt8>, _ start: Int) throws(JSONFault) -> UInt32 {
        guard start + 4 <= text.count else { throw .syntax }
        var unit: UInt32 = 0
        for index in start..<start + 4 {
            let byte = text[index]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: throw .syntax
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    /// Moves past one UTF-8 sequence of two to four bytes (RFC 3629: no overlong form, no surrogate, at most U+10FFFF).
    private static func skipScalar(_ text: Span<UInt8>, _ at: inout Int) throws(JSONFault) {
        let lead = text[at]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: length = 3
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw .invalidUTF8
        }
        guard at + length <= text.count, second.contains(text[at + 1]) else { throw .invalidUTF8 }
        for index in at + 2..<at + length where text[index] & 0xC0 != 0x80 { throw .invalidUTF8 }
        at += length
    }
}
