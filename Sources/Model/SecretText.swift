// Text that must not be printed, and how it is compared.

/// What cannot print itself: string interpolation, `print`, `dump` and a debugger's summary all show `•••`.
package protocol Redacted: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {}

extension Redacted {
    package var description: String { "•••" }
    package var debugDescription: String { "•••" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A secret of visible ASCII: an access token, a client secret, a caller token.
package struct SecretText: Sendable, Equatable, Redacted {
    /// 1 byte or more of visible ASCII (0x21–0x7E), so that it can never break a header line.
    package let bytes: [UInt8]

    /// Nil unless every byte is visible ASCII and there is at least one.
    package init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        guard !self.bytes.isEmpty, self.bytes.allSatisfy(VisibleASCII.contains) else { return nil }
    }

    /// Takes the same time wherever the two differ.
    package static func == (left: Self, right: Self) -> Bool { ConstantTime.equal(left.bytes[...], right.bytes[...]) }
}

/// The bytes that RFC 9110 calls VCHAR.
package enum VisibleASCII {
    package static func contains(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F }
}

/// Comparison whose duration tells nothing but the lengths.
package enum ConstantTime {
    package static func equal(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (one, other) in zip(left, right) { difference |= one ^ other }
        return difference == 0
    }
}
