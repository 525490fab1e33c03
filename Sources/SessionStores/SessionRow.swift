// One session's rows in SQLite: what is read and written for it.

internal import Model

/// The rows of one session. `name` is the keyed hash of its key.
struct SessionRow: Sendable {
    /// What is stored under the name.
    struct Content: Sendable {
        /// Nil for an attempt without a session, and for a record that does not open.
        let session: Session?
        let attempt: AttemptID?
        var stored: StoredSession? { session.map { StoredSession(session: $0, unfinished: attempt) } }
    }

    let name: [UInt8]
    let seal: RecordSeal
    let onDamage: @Sendable () -> Void

    func read(_ connection: SQLiteConnection) throws(StoreError) -> Content? {
        let rows = try connection.run("SELECT record, attempt FROM session WHERE name = ?", [.blob(name)])
        guard let row = rows.first, row.count == 2 else { return nil }
        var session: Session?
        if case .blob(let sealed) = row[0] {
            session = seal.open(sealed, name: name).flatMap(SessionRecord.decode)
            if session == nil { onDamage() }
        }
        var attempt: AttemptID?
        if case .blob(let bytes) = row[1] { attempt = AttemptID(bytes) }
        return Content(session: session, attempt: attempt)
    }

    func setAttempt(_ attempt: AttemptID?, known: Content?, _ connection: SQLiteConnection) throws(StoreError) {
        let value: SQLiteValue = attempt.map { .blob($0.bytes) } ?? .null
        if known == nil {
            try connection.run("INSERT INTO session VALUES (?, 0, ?, NULL)", [.blob(name), value])
        } else if attempt == nil, known?.session == nil {
            try remove(connection)
        } else {
            try connection.run("UPDATE session SET attempt = ? WHERE name = ?", [value, .blob(name)])
        }
    }

    /// - Parameter attempt: what stays begun.
    func write(_ session: Session, _ hash: TokenHash, attempt: AttemptID?, _ connection: SQLiteConnection)
        throws(StoreError)
    {
        guard let sealed = seal.seal(SessionRecord.encode(session), name: name) else {
            throw .failed(operation: "seal", code: 0)
        }
        let generation = Int64(clamping: session.generation)
        try connection.run(
            "INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?)",
            [.blob(name), .integer(generation), attempt.map { .blob($0.bytes) } ?? .null, .blob(sealed)])
        let hashes = session.superseded.suffix(2).map(\.hash) + [hash]
        for hash in hashes {
            try connection.run(
                "INSERT OR REPLACE INTO lineage VALUES (?, ?, ?)",
                [.blob(hash.bytes), .blob(name), .integer(generation)])
        }
        try connection.run(
            "DELETE FROM lineage WHERE name = ? AND generation < ?",
            [.blob(name), .integer(generation - Int64(Session.lineageLimit))])
    }

    func remove(_ connection: SQLiteConnection) throws(StoreError) {
        try connection.run("DELETE FROM lineage WHERE name = ?", [.blob(name)])
        try connection.run("DELETE FROM session WHERE name = ?", [.blob(name)])
    }
}

extension AttemptID {
    /// 16 bytes, big-endian.
    var bytes: [UInt8] {
        var writer = RecordWriter()
        writer.number(high)
        writer.number(low)
        return writer.bytes
    }

    init?(_ bytes: [UInt8]) {
        var reader = RecordReader(bytes: bytes)
        guard let high = reader.number(), let low = reader.number(), reader.isAtEnd else { return nil }
        self.init(high: high, low: low)
    }
}
