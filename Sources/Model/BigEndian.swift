// Numbers as eight bytes, the highest first.

extension [UInt8] {
    /// The number that eight bytes make, from a place on. Traps where there are fewer.
    package func bigEndian(at start: Int) -> UInt64 {
        precondition(start >= 0 && count - start >= 8)
        return unsafe withUnsafeBytes { bytes in
            unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
    }

    package mutating func append(bigEndian number: UInt64) {
        unsafe Swift.withUnsafeBytes(of: number.bigEndian) { unsafe append(contentsOf: $0) }
    }
}
