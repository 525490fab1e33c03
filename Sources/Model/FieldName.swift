// The name of a header field, and several of them.

/// A header field name, compared as ASCII without regard to case.
package struct FieldName: Sendable, Hashable, ExpressibleByStringLiteral {
    /// As it is sent.
    package let bytes: [UInt8]
    /// The same for all names that could be taken for this one; others have another, but for one in 2^64.
    let fold: UInt64

    package init(_ name: [UInt8]) {
        bytes = name
        fold = Self.fold(name, name.indices)
    }
    package init(stringLiteral name: String) { self.init(Array(name.utf8)) }

    package static func == (left: Self, right: Self) -> Bool {
        left.fold == right.fold && left.isSpelled(right.bytes[...])
    }
    package func hash(into hasher: inout Hasher) { hasher.combine(fold) }

    /// Lower case, and `-` for `_`.
    static func folded(_ byte: UInt8) -> UInt8 { byte == UInt8(ascii: "_") ? UInt8(ascii: "-") : ASCII.lowered(byte) }

    /// FNV-1a over the folded bytes.
    static func fold(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
        var hash = emptyFold
        for index in range { hash = fold(bytes[index], behind: hash) }
        return hash
    }

    private static let emptyFold: UInt64 = 0xCBF2_9CE4_8422_2325
    private static func fold(_ byte: UInt8, behind hash: UInt64) -> UInt64 {
        (hash ^ UInt64(folded(byte))) &* 0x0000_0100_0000_01B3
    }

    /// Reads a name: as many token characters as there are.
    /// - Returns: where it ends, and its fold.
    package static func read(_ bytes: [UInt8], _ range: Range<Int>) -> (end: Int, fold: UInt64) {
        let bytes = bytes.span
        var (index, hash) = (range.lowerBound, emptyFold)
        while index < range.upperBound, ASCII.isTokenCharacter(bytes[index]) {
            hash = fold(bytes[index], behind: hash)
            index += 1
        }
        return (index, hash)
    }

    /// Whether `name` is this name in any case.
    package func isSpelled(_ name: ArraySlice<UInt8>) -> Bool {
        guard name.count == bytes.count else { return false }
        var index = bytes.startIndex
        for byte in name {
            if ASCII.lowered(byte) != ASCII.lowered(bytes[index]) { return false }
            index += 1
        }
        return true
    }

    /// Whether a program that treats `_` as `-` would take `name` for this name (contract 4).
    package func collides(with name: ArraySlice<UInt8>) -> Bool { collides(with: Array(name), 0..<name.count) }

    func collides(with other: [UInt8], _ range: Range<Int>) -> Bool {
        Self.collide(bytes, bytes.indices, with: other, range)
    }

    /// Whether two names that lie in bytes are the same to such a program.
    static func collide(_ bytes: [UInt8], _ range: Range<Int>, with other: [UInt8], _ otherRange: Range<Int>) -> Bool {
        guard range.count == otherRange.count else { return false }
        let distance = otherRange.lowerBound - range.lowerBound
        for index in range where folded(bytes[index]) != folded(other[index + distance]) { return false }
        return true
    }
}

/// Which names are certainly not among some: mostly that is all one wants to know.
struct FoldSummary: Sendable {
    private var bits: UInt64 = 0

    init() {}
    init(_ folds: [UInt64]) { for fold in folds { insert(fold) } }

    mutating func insert(_ fold: UInt64) { bits |= 1 << (fold & 63) }
    func mayHold(_ fold: UInt64) -> Bool { bits >> (fold & 63) & 1 == 1 }
}

/// A few names that are looked for in every field.
package struct FieldNames: Sendable {
    private let names: [FieldName]
    private let folds: [UInt64]
    private let summary: FoldSummary

    package init(_ names: [FieldName]) {
        (self.names, folds) = (names, names.map(\.fold))
        summary = FoldSummary(folds)
    }

    package static let none = FieldNames([])

    func collide(with fold: UInt64, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard summary.mayHold(fold) else { return false }
        for index in folds.indices where folds[index] == fold {
            if names[index].collides(with: bytes, range) { return true }
        }
        return false
    }
}
