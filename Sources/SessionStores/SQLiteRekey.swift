// A store whose key has changed: every record opened with the old one and sealed with the new one, all or nothing.

internal import Model

/// Key change at start, in one transaction: a crash leaves the store as it was.
enum SQLiteRekey {
    /// - Returns: how many records could not be opened and were left out.
    static func run(_ connection: SQLiteConnection, from old: RecordSeal, to new: RecordSeal) throws(StoreError) -> Int
    {
        try connection.transaction { (connection) throws(StoreError) in try rekey(connection, old, new) }
    }

    private static func rekey(_ connection: SQLiteConnection, _ old: RecordSeal, _ new: RecordSeal) throws(StoreError)
        -> Int
    {
        for row in try connection.run("SELECT name, record FROM secret") {
            guard case .blob(let name) = row[0], case .blob(let sealed) = row[1],
                let plain = old.open(sealed, name: name),
                let resealed = new.seal(plain, name: name)
            else { continue }
            try connection.run("UPDATE secret SET record = ? WHERE name = ?", [.blob(resealed), .blob(name)])
        }
        var damaged = 0
        // Names are hashes under the key, so that no old name can be a new one: rows are moved while the list is walked by name.
        var last: [UInt8] = []
        while true {
            let rows = try connection.run(
                "SELECT name, record FROM session WHERE name > ? ORDER BY name LIMIT 500", [.blob(last)])
            guard !rows.isEmpty else { return damaged }
            for row in rows {
                guard case .blob(let name) = row[0] else { continue }
                last = name
                guard case .blob(let sealed) = row[1] else { continue }
                if new.open(sealed, name: name) != nil { continue }
                guard let plain = old.open(sealed, name: name), let session = SessionRecord.decode(plain) else {
                    damaged += 1
                    continue
                }
                let moved = new.name(of: session.key)
                guard let resealed = new.seal(plain, name: moved) else { continue }
                // A damaged one may have been left there when this key was given up for another.
                try LineageRows(name: moved, connection: connection).remove()
                try connection.run("DELETE FROM session WHERE name = ?", [.blob(moved)])
                try LineageRows(name: name, connection: connection).rename(to: moved)
                try connection.run("UPDATE lineage_part SET name = ? WHERE name = ?", [.blob(moved), .blob(name)])
                try connection.run(
                    "UPDATE session SET name = ?, record = ? WHERE name = ?",
                    [.blob(moved), .blob(resealed), .blob(name)])
            }
        }
    }
}
