// Who the app says its user is.

/// The key of a user as the app names it (contract 3): opaque, compared byte by byte.
package struct UserKey: Sendable, Hashable, Redacted {
    /// 1–256 bytes of UTF-8 without control characters.
    package let bytes: [UInt8]

    /// Nil for anything else.
    package init?(_ bytes: [UInt8]) {
        guard (1...256).contains(bytes.count) else { return nil }
        self.bytes = bytes
        guard self.bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) || Self.isCleanUTF8(self.bytes) else { return nil }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(text: bytes) }

    /// UTF-8 without the control characters U+0000–U+001F, U+007F and U+0080–U+009F.
    private static func isCleanUTF8(_ bytes: [UInt8]) -> Bool {
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        var lead: UInt8 = 0
        for byte in bytes {
            if byte < 0x20 || byte == 0x7F || (lead == 0xC2 && byte < 0xA0) { return false }
            lead = byte
        }
        return true
    }
}

/// What a session is filed under.
package enum SessionKey: Sendable, Hashable {
    /// The user that the app named.
    case user(UserKey)
    /// A session whose app names no user: the hash of the first token seen of it.
    case anonymous(TokenHash)
}

extension Hasher {
    /// Takes bytes in, eight at a time: what is looked up with every request is hashed like this.
    package mutating func combine(text bytes: [UInt8]) {
        var word = UInt64(bytes.count)
        for index in bytes.indices {
            word = word << 8 | UInt64(bytes[index])
            if index & 7 == 7 { combine(word) }
        }
        combine(word)
    }
}
