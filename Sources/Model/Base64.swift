// Base64 (RFC 4648 section 4) over bytes.

/// The standard alphabet with padding; decoding takes nothing else.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var filled = 0
        func letter(_ shift: UInt32) -> UInt8 { alphabet[Int(group >> shift & 0x3F)] }
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            filled += 1
            guard filled == 3 else { continue }
            text += [letter(18), letter(12), letter(6), letter(0)]
            (group, filled) = (0, 0)
        }
        if filled == 1 {
            group <<= 16
            text += [letter(18), letter(12), UInt8(ascii: "="), UInt8(ascii: "=")]
        } else if filled == 2 {
            group <<= 8
            text += [letter(18), letter(12), letter(6), UInt8(ascii: "=")]
        }
        return text
    }

    /// Nil for anything but whole groups of the alphabet with proper padding.
    package static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        var group: UInt32 = 0
        var filled = 0
        var padding = 0
        for letter in text {
            if letter == UInt8(ascii: "=") {
                padding += 1
                group <<= 6
            } else {
                guard padding == 0, let value = alphabet.firstIndex(of: letter) else { return nil }
                group = group << 6 | UInt32(value)
            }
            filled += 1
            guard filled == 4 else { continue }
            guard padding <= 2 else { return nil }
            bytes += [UInt8(group >> 16 & 0xFF), UInt8(group >> 8 & 0xFF), UInt8(group & 0xFF)].dropLast(padding)
            (group, filled) = (0, 0)
        }
        return padding <= 2 ? bytes : nil
    }

    /// The URL-safe alphabet without padding (RFC 4648 section 5), as in a JWT.
    package static func decodeURL(_ text: [UInt8]) -> [UInt8]? {
        guard !text.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }) else { return nil }
        let letters = text.map {
            $0 == UInt8(ascii: "-") ? UInt8(ascii: "+") : $0 == UInt8(ascii: "_") ? UInt8(ascii: "/") : $0
        }
        return decode(letters + Array(repeating: UInt8(ascii: "="), count: (4 - letters.count % 4) % 4))
    }
}
