// Numbers as eight bytes, the highest first.

extension [UInt8] {
    /// The number that eight bytes make, from a place on. Traps where there are fewer.
    // One by one, in which form they become one load, or one store.
    package func bigEndian(at start: Int) -> UInt64 {
        let eight = span.extracting(start..<start + 8)
        let upper = UInt64(eight[0]) << 56 | UInt64(eight[1]) << 48 | UInt64(eight[2]) << 40 | UInt64(eight[3]) << 32
        return upper | UInt64(eight[4]) << 24 | UInt64(eight[5]) << 16 | UInt64(eight[6]) << 8 | UInt64(eight[7])
    }

    package mutating func append(bigEndian number: UInt64) {
        append(addingCapacity: 8) { out in
            out.append(UInt8(truncatingIfNeeded: number >> 56))
            out.append(UInt8(truncatingIfNeeded: number >> 48))
            out.append(UInt8(truncatingIfNeeded: number >> 40))
            out.append(UInt8(truncatingIfNeeded: number >> 32))
            out.append(UInt8(truncatingIfNeeded: number >> 24))
            out.append(UInt8(truncatingIfNeeded: number >> 16))
            out.append(UInt8(truncatingIfNeeded: number >> 8))
            out.append(UInt8(truncatingIfNeeded: number))
        }
    }
}
