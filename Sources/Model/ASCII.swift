// Questions about bytes of ASCII text.

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
        let characters = byte & 0x40 == 0 ? tokenCharacters.below64 : tokenCharacters.from64
        return byte < 0x80 && characters >> UInt64(byte & 0x3F) & 1 == 1
    }

    /// A bit for each: `!`, `#` to `'`, `*`, `+`, `-`, `.`, digits; letters, `^`, `_`, `` ` ``, `|`, `~`.
    private static let tokenCharacters: (below64: UInt64, from64: UInt64) = (
        0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE
    )
}
