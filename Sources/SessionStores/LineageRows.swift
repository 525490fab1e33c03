// Which tokens find a session in SQLite: the rows of its lineage.

internal import Model

/// The lineage of one session. Each hash has a row of `lineage`, by which its session is found. Beside its record a session lists the
/// hashes that were added of late, and `lineage_part` the older ones, some sixteen in a row. So they are found again to be removed,
/// without an index by name: that would take a page of the log for every rotation.
struct LineageRows {
    /// In so many generations the hashes that are listed beside the record become a part.
    private static let partSpan: Int64 = 16

    /// Of the session's row.
    let name: [UInt8]
    let connection: SQLiteConnection

    /// Makes the session found by these hashes.
    /// - Returns: the ones that it was not found by before, or so long ago that they may be among what is removed next.
    func add(_ hashes: [TokenHash], generation: Int64) throws(StoreError) -> [TokenHash] {
        var added: [TokenHash] = []
        for hash in hashes {
            try connection.run(
                // One that is there already dirties no page, unless it comes back after a long time.
                """
                INSERT INTO lineage VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE
                SET name = excluded.name, generation = excluded.generation
                WHERE name <> excluded.name OR generation < excluded.generation - 2
                """,
                [.blob(hash.bytes), .blob(name), .integer(generation)])
            if connection.changes > 0 { added.append(hash) }
        }
        return added
    }

    /// Lists hashes beside the record, which is there. SQLite puts them together as text, which would end at a zero for some tools.
    func list(_ hashes: [TokenHash]) throws(StoreError) {
        guard !hashes.isEmpty else { return }
        try connection.run(
            "UPDATE session SET hashes = CAST(hashes || ? AS BLOB) WHERE name = ?", [.blob(hashes.bytes), .blob(name)])
    }

    /// Every sixteenth generation makes a part of what is listed beside the record, and the one after it removes the parts that are too
    /// old by then: several hashes at a time, since those that are found together share pages.
    func trim(generation: Int64) throws(StoreError) {
        switch generation % Self.partSpan {
        case 0 where generation > 0: try makePart(generation)
        case 1: try removeParts(before: generation - Int64(SQLiteStore.lineageDepth))
        default: break
        }
    }

    /// Lists hashes that have rows already, as if they had come one by one.
    /// - Parameter hashes: oldest first.
    func bring(_ hashes: [(hash: TokenHash, generation: Int64)]) throws(StoreError) {
        func part(_ generation: Int64) -> Int64 { (generation + Self.partSpan - 1) / Self.partSpan * Self.partSpan }
        guard let newest = hashes.last.map({ part($0.generation) }) else { return }
        try list(hashes.filter { part($0.generation) == newest }.map(\.hash))
        for (generation, hashes) in Dictionary(grouping: hashes, by: { part($0.generation) }) where generation < newest
        {
            try connection.run(
                "INSERT INTO lineage_part VALUES (?, ?, ?)",
                [.blob(name), .integer(generation), .blob(hashes.map(\.hash).bytes)])
        }
    }

    private func makePart(_ generation: Int64) throws(StoreError) {
        try connection.run(
            """
            INSERT INTO lineage_part SELECT name, ?, hashes FROM session WHERE name = ? AND hashes <> x''
            ON CONFLICT (name, generation) DO UPDATE SET hashes = CAST(hashes || excluded.hashes AS BLOB)
            """, [.integer(generation), .blob(name)])
        try connection.run("UPDATE session SET hashes = x'' WHERE name = ? AND hashes <> x''", [.blob(name)])
    }

    private func removeParts(before oldest: Int64) throws(StoreError) {
        guard oldest > 0 else { return }
        let parts = try connection.run(
            "SELECT hashes FROM lineage_part WHERE name = ? AND generation < ?", [.blob(name), .integer(oldest)])
        var young: [TokenHash] = []
        for hash in Self.hashes(parts) {
            try connection.run(
                "DELETE FROM lineage WHERE hash = ? AND name = ? AND generation < ?",
                [.blob(hash), .blob(name), .integer(oldest)])
            guard connection.changes == 0, try isOwn(hash), let hash = TokenHash(hash) else { continue }
            young.append(hash)
        }
        // Those that came back since, or are of a life that ended with a damaged record: they stay listed.
        try list(young)
        try connection.run(
            "DELETE FROM lineage_part WHERE name = ? AND generation < ?", [.blob(name), .integer(oldest)])
    }

    private func isOwn(_ hash: [UInt8]) throws(StoreError) -> Bool {
        try !connection.run("SELECT 1 FROM lineage WHERE hash = ? AND name = ?", [.blob(hash), .blob(name)]).isEmpty
    }

    /// Renames the rows; the lists are moved by the caller.
    /// - Parameter generation: of the session that has them from now on, if it is another one.
    /// - Returns: every hash that was listed.
    @discardableResult
    func rename(to other: [UInt8], generation: Int64 = .max) throws(StoreError) -> [TokenHash] {
        let hashes = try all()
        for hash in hashes {
            try connection.run(
                "UPDATE lineage SET name = ?, generation = min(generation, ?) WHERE hash = ? AND name = ?",
                [.blob(other), .integer(generation), .blob(hash), .blob(name)])
        }
        return hashes.compactMap(TokenHash.init)
    }

    /// Removes the rows and the parts; what is listed beside the record goes with it.
    func remove() throws(StoreError) {
        for hash in try all() {
            try connection.run("DELETE FROM lineage WHERE hash = ? AND name = ?", [.blob(hash), .blob(name)])
        }
        try removeParts()
    }

    func removeParts() throws(StoreError) {
        try connection.run("DELETE FROM lineage_part WHERE name = ?", [.blob(name)])
    }

    /// Some may be there twice, and some may find another session meanwhile.
    private func all() throws(StoreError) -> [[UInt8]] {
        let parts = try connection.run(
            "SELECT hashes FROM lineage_part WHERE name = ? ORDER BY generation", [.blob(name)])
        return Self.hashes(parts + (try connection.run("SELECT hashes FROM session WHERE name = ?", [.blob(name)])))
    }

    private static func hashes(_ lists: [[SQLiteValue]]) -> [[UInt8]] {
        lists.flatMap { columns -> [[UInt8]] in
            guard case .blob(let list)? = columns.first else { return [] }
            return stride(from: 0, through: list.count - 16, by: 16).map { Array(list[$0..<$0 + 16]) }
        }
    }
}

extension [TokenHash] {
    /// 16 bytes of each.
    var bytes: [UInt8] { flatMap(\.bytes) }
}
