// A tenant's session token, and the hash by which an old one is recognised.

/// A session token: opaque, changes at every refresh (tenant rows T2, S1, L1–L15).
package struct SessionToken: Sendable, Hashable, Redacted {
    /// 1 byte to 8 KiB of visible ASCII (contract 8).
    package let bytes: [UInt8]

    /// The longest token taken in anywhere.
    package static let maximumLength = 8192

    /// Nil for anything but 1 to 8192 bytes of visible ASCII: such a value must never reach a header or a store.
    package init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= Self.maximumLength, bytes.allSatisfy(VisibleASCII.contains) else {
            return nil
        }
        self.bytes = bytes
    }

    /// Takes the same time wherever the two differ.
    package static func == (left: Self, right: Self) -> Bool { ConstantTime.equal(left.bytes[...], right.bytes[...]) }
}

/// The keyed hash of a session token: the first 16 bytes of HMAC-SHA256 under the store's lineage key. It finds a session
/// by any token the session ever had, and tells nothing about the token to somebody who reads the store.
package struct TokenHash: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

    // Concrete types on purpose: a generic one is not specialised across targets, and these are called for every token of a session.

    /// Nil for anything but 16 bytes.
    package init?(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// Nil for anything but 16 bytes.
    package init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count == 16 else { return nil }
        self.init(Array(bytes), at: 0)
    }

    /// 16 bytes from a place on.
    package init(_ bytes: [UInt8], at start: Int) {
        (high, low) = (bytes.bigEndian(at: start), bytes.bigEndian(at: start + 8))
    }

    /// Always 16 bytes.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        append(to: &bytes)
        return bytes
    }

    /// Adds its 16 bytes.
    package func append(to bytes: inout [UInt8]) {
        bytes.append(bigEndian: high)
        bytes.append(bigEndian: low)
    }

    package static func == (left: Self, right: Self) -> Bool { left.low == right.low && left.high == right.high }

    /// Four of its bytes as a number, evenly spread.
    package var short: UInt32 { UInt32(truncatingIfNeeded: low) }

    /// The first two bytes as a number: evenly spread and the same on every replica.
    package var spread: UInt16 { UInt16(truncatingIfNeeded: high >> 48) }
}
