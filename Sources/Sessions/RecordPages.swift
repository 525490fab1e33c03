// Where the parts of sessions that differ in length lie: pages of bytes instead of an object for each.

/// Records of bytes, each for a slot of a table. A page of which more than half is no longer needed is cleared away: what is left of it
/// moves on.
package struct RecordPages: Sendable {
    private struct Page {
        var bytes: [UInt8] = []
        /// Of which so many are needed.
        var live = 0
    }

    /// Page and place: in one number, or 2^32 records of a million users would be four bytes longer.
    package struct Address: Sendable, Equatable {
        fileprivate let number: UInt32
        fileprivate init(page: Int, offset: Int) { number = UInt32(page) << 17 | UInt32(offset / 8) }
        fileprivate var page: Int { Int(number >> 17) }
        fileprivate var offset: Int { Int(number & 0x1_FFFF) * 8 }
    }

    private static let pageSize = 1 << 20
    private static let header = 8

    private var pages: [Page] = [Page()]
    private var free: [Int] = []
    private var current = 0
    /// The page that was turned last: nobody may ever ask for it to be cleared away.
    private var turned: Int?

    package init() {}

    /// What the pages take, needed or not.
    package var byteCount: Int { pages.reduce(0) { $0 + $1.bytes.count } }

    /// - Returns: where it is, until it is removed or `moved` is told otherwise.
    package mutating func add(_ record: [UInt8], for slot: Int) -> Address {
        let length = Self.length(record.count)
        if pages[current].bytes.count + length > Self.pageSize, !pages[current].bytes.isEmpty { turnPage() }
        let address = Address(page: current, offset: pages[current].bytes.count)
        for number in [UInt32(slot), UInt32(record.count)] {
            for shift in [0, 8, 16, 24] as [UInt32] {
                pages[current].bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        pages[current].bytes += record
        for _ in Self.header + record.count..<length { pages[current].bytes.append(0) }
        pages[current].live += length
        return address
    }

    /// Calls `body` with a page and where in it the record is.
    package func read<Result>(_ address: Address, _ body: ([UInt8], Range<Int>) -> Result) -> Result {
        let bytes = pages[address.page].bytes
        let start = address.offset + Self.header
        return body(bytes, start..<start + Self.number(bytes, address.offset + 4))
    }

    /// - Parameters:
    ///   - isAt: whether a slot's record is at an address.
    ///   - moved: a slot's record has another address from now on.
    package mutating func remove(_ address: Address, isAt: (Int, Address) -> Bool, moved: (Int, Address) -> Void) {
        let page = address.page
        pages[page].live -= Self.length(Self.number(pages[page].bytes, address.offset + 4))
        clear(page, isAt, moved)
        if let turned, turned != page { clear(turned, isAt, moved) }
    }

    private mutating func clear(_ page: Int, _ isAt: (Int, Address) -> Bool, _ moved: (Int, Address) -> Void) {
        guard page != current else { return }
        if page == turned { turned = nil }
        guard !pages[page].bytes.isEmpty, pages[page].live * 2 < pages[page].bytes.count else { return }
        let old = pages[page]
        pages[page] = Page()
        free.append(page)
        guard old.live > 0 else { return }
        var offset = 0
        while offset < old.bytes.count {
            let (slot, count) = (Self.number(old.bytes, offset), Self.number(old.bytes, offset + 4))
            if isAt(slot, Address(page: page, offset: offset)) {
                let start = offset + Self.header
                moved(slot, add(Array(old.bytes[start..<start + count]), for: slot))
            }
            offset += Self.length(count)
        }
    }

    private mutating func turnPage() {
        turned = current
        if let page = free.popLast() {
            current = page
        } else {
            pages.append(Page())
            current = pages.count - 1
        }
    }

    private static func length(_ count: Int) -> Int { (header + count + 7) & ~7 }

    private static func number(_ bytes: [UInt8], _ at: Int) -> Int {
        Int(bytes[at]) | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]) << 16 | Int(bytes[at + 3]) << 24
    }
}
