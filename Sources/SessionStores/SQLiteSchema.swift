// The tables of the SQLite store, and how a file of an earlier version gets them.

internal import Model

/// The version that a file has is its `PRAGMA user_version`; 0 is a new file.
enum SQLiteSchema {
    static let version = 2

    private static let tables = """
        CREATE TABLE session
            (name BLOB PRIMARY KEY, ends INTEGER NOT NULL, attempt BLOB, record BLOB NOT NULL, hashes BLOB NOT NULL DEFAULT x'')
            WITHOUT ROWID;
        CREATE INDEX session_by_end ON session (ends);
        CREATE TABLE lineage (hash BLOB PRIMARY KEY, name BLOB NOT NULL, generation INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE lineage_part (name BLOB, generation INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (name, generation))
            WITHOUT ROWID;
        CREATE TABLE secret (name BLOB PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
        PRAGMA user_version = 2;
        """

    /// Makes the tables, or brings them to this version in one transaction: a crash leaves the file as it was.
    /// - Throws: `StoreOpenError.newerSchema`, and `StoreError` from SQLite.
    static func prepare(_ connection: SQLiteConnection, path: String) throws {
        guard case .integer(let found)? = try connection.run("PRAGMA user_version").first?.first else {
            throw StoreError.failed(operation: "version", code: 0)
        }
        switch found {
        case 0: try connection.execute("BEGIN IMMEDIATE;" + tables + "COMMIT;")
        case 1: try connection.transaction { (connection) throws(StoreError) in try fromVersion1(connection) }
        case Int64(version): return
        default: throw StoreOpenError.newerSchema(path: path, version: Int(found))
        }
    }

    /// Version 1 found the hashes of a session by an index.
    private static func fromVersion1(_ connection: SQLiteConnection) throws(StoreError) {
        try connection.execute(
            """
            ALTER TABLE session ADD COLUMN hashes BLOB NOT NULL DEFAULT x'';
            CREATE TABLE lineage_part (name BLOB, generation INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (name, generation))
                WITHOUT ROWID;
            """)
        var last: [UInt8] = []
        while true {
            let names = try connection.run(
                "SELECT name FROM session WHERE name > ? ORDER BY name LIMIT 500", [.blob(last)])
            guard !names.isEmpty else { break }
            for columns in names {
                guard case .blob(let name) = columns[0] else { continue }
                last = name
                // All of them beside the record: its sixteenth generation from now makes them a part.
                let hashes = try connection.run(
                    "SELECT hash FROM lineage WHERE name = ? ORDER BY generation", [.blob(name)])
                try LineageRows(name: name, connection: connection).list(
                    hashes.compactMap { if case .blob(let hash) = $0[0] { TokenHash(hash) } else { nil } })
            }
        }
        try connection.execute("DROP INDEX lineage_by_name; PRAGMA user_version = 2;")
    }
}
