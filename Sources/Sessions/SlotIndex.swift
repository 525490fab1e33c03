// From hashes to the slots of a table.

/// Open addressing with linear probing, eight bytes a cell. Of each hash 32 bits are kept: whoever looks something up says which of the
/// few that they fit is meant.
struct SlotIndex: Sendable {
    /// 0 is empty; else the kept hash in the upper half and the slot, counted from 1, in the lower.
    private var cells = [UInt64](repeating: 0, count: 16)
    private var count = 0

    private var mask: Int { cells.count - 1 }

    private func home(_ cell: UInt64) -> Int { Int(cell >> 32) & mask }

    /// The first slot that fits.
    func first(_ hash: UInt32, where isMeant: (Int) -> Bool) -> Int? {
        var index = Int(hash) & mask
        while cells[index] != 0 {
            let slot = Int(cells[index] & 0xFFFF_FFFF) - 1
            if cells[index] >> 32 == UInt64(hash), isMeant(slot) { return slot }
            index = (index + 1) & mask
        }
        return nil
    }

    mutating func insert(_ hash: UInt32, _ slot: Int) {
        if (count + 1) * 5 > cells.count * 4 { grow() }
        put(UInt64(hash) << 32 | UInt64(slot + 1))
        count += 1
    }

    private mutating func put(_ cell: UInt64) {
        var index = home(cell)
        while cells[index] != 0 { index = (index + 1) & mask }
        cells[index] = cell
    }

    private mutating func grow() {
        let old = cells
        cells = [UInt64](repeating: 0, count: old.count * 2)
        for cell in old where cell != 0 { put(cell) }
    }

    /// Those behind it in its run move up, so that nothing has to be remembered of it.
    mutating func remove(_ hash: UInt32, _ slot: Int) {
        let cell = UInt64(hash) << 32 | UInt64(slot + 1)
        var hole = home(cell)
        while cells[hole] != cell {
            guard cells[hole] != 0 else { return }
            hole = (hole + 1) & mask
        }
        var index = (hole + 1) & mask
        while cells[index] != 0 {
            // Whether the cell's home lies behind the hole, going round.
            if (index - home(cells[index])) & mask >= (index - hole) & mask {
                cells[hole] = cells[index]
                hole = index
            }
            index = (index + 1) & mask
        }
        cells[hole] = 0
        count -= 1
    }
}
