// Text compared byte by byte, as a tenant compares tokens and user names.

/// A string whose equality is that of its UTF-8 bytes.
///
/// Swift's own `String` compares by canonical equivalence, under which two different tokens or users can be equal.
package struct ExactText: Hashable, Sendable, ExpressibleByStringLiteral {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package init(stringLiteral value: String) {
        self.text = value
    }

    package static func == (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 {
            hasher.combine(byte)
        }
    }

    /// Whether the bytes begin with those of `prefix`.
    package func begins(with prefix: String) -> Bool {
        text.utf8.starts(with: prefix.utf8)
    }
}

/// Header names and media types: ASCII letters match in either case, every other byte only itself.
func sameIgnoringCase(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { lowercased($0) == lowercased($1) }
}

/// The lower-case form of an ASCII capital, any other byte unchanged.
func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
