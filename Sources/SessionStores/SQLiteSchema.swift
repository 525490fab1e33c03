// The tables of the SQLite store, and how a file of an earlier version gets them.

internal import Model

/// The version that a file has is its `PRAGMA user_version`; 0 is a new file.
enum SQLiteSchema {
    static let version = 2

    private static let part = """
        CREATE TABLE lineage_part (name BLOB, generation INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (name, generation))
            WITHOUT ROWID;
        """
    private static let tables =
        """
        CREATE TABLE session
            (name BLOB PRIMARY KEY, ends INTEGER NOT NULL, attempt BLOB, record BLOB NOT NULL, hashes BLOB NOT NULL DEFAULT x'')
            WITHOUT ROWID;
        CREATE INDEX session_by_end ON session (ends);
        CREATE TABLE lineage (hash BLOB PRIMARY KEY, name BLOB NOT NULL, generation INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE secret (name BLOB PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
        PRAGMA user_version = 2;
        """ + part

    /// The version that the file has.
    /// - Throws: `StoreOpenError.newerSchema`, and `StoreError` from SQLite.
    static func found(_ connection: SQLiteConnection, path: String) throws -> Int {
        guard case .integer(let found)? = try connection.run("PRAGMA user_version").first?.first else {
            throw StoreError.failed(operation: "version", code: 0)
        }
        guard (0...Int64(version)).contains(found) else {
            throw StoreOpenError.newerSchema(path: path, version: Int(found))
        }
        return Int(found)
    }

    /// Makes the tables, or brings them to this version, in one transaction: a crash leaves the file as it was.
    static func prepare(_ connection: SQLiteConnection, found: Int) throws(StoreError) {
        guard found < version else { return }
        try connection.transaction { (connection) throws(StoreError) in
            if found == 0 { try connection.execute(tables) } else { try fromVersion1(connection) }
        }
    }

    /// Version 1 found the hashes of a session by an index.
    private static func fromVersion1(_ connection: SQLiteConnection) throws(StoreError) {
        try connection.execute(
            part + """
                ALTER TABLE session ADD COLUMN hashes BLOB NOT NULL DEFAULT x'';
                DELETE FROM lineage WHERE name NOT IN (SELECT name FROM session);
                """)
        var last: [UInt8] = []
        while true {
            let names = try connection.run(
                "SELECT name FROM session WHERE name > ? ORDER BY name LIMIT 500", [.blob(last)])
            guard !names.isEmpty else { break }
            for columns in names {
                guard case .blob(let name) = columns[0] else { continue }
                last = name
                let rows = try connection.run(
                    "SELECT hash, generation FROM lineage WHERE name = ? ORDER BY generation", [.blob(name)])
                let hashes = rows.compactMap { columns -> (hash: TokenHash, generation: Int64)? in
                    guard case .blob(let bytes) = columns[0], case .integer(let generation) = columns[1] else {
                        return nil
                    }
                    return TokenHash(bytes).map { ($0, generation) }
                }
                try LineageRows(name: name, connection: connection).bring(hashes)
            }
        }
        try connection.execute("DROP INDEX lineage_by_name; PRAGMA user_version = 2;")
    }
}
