// Numbers as hexadecimal digits.

/// Lower-case hexadecimal digits.
package enum Hexadecimal {
    /// Writes the 16 digits of a word.
    /// - Parameter start: of the digits in `text`, which has room for them.
    package static func write(_ word: UInt64, to text: inout [UInt8], at start: Int) {
        var digits = text.mutableSpan
        for index in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * index) & 0x0F)
            digits[start + index] = digit &+ (digit < 10 ? 0x30 : 0x57)
        }
    }
}
