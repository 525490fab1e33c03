// Who the app says its user is.

/// The key of a user as the app names it (contract 3): opaque, compared byte by byte.
package struct UserKey: Sendable, Hashable, Redacted {
    /// 1–256 bytes of UTF-8 without control characters.
    package let bytes: [UInt8]

    /// Nil for anything else.
    package init?(_ bytes: [UInt8]) {
        guard (1...256).contains(bytes.count), bytes.isCleanUTF8 else { return nil }
        self.bytes = bytes
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(text: bytes) }
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
        let whole = bytes.count & ~7
        for start in stride(from: 0, to: whole, by: 8) { combine(bytes.bigEndian(at: start)) }
        var rest = UInt64(bytes.count)
        for index in whole..<bytes.count { rest = rest << 8 | UInt64(bytes[index]) }
        combine(rest)
    }
}
