// One session's rows in SQLite: what is read and written for it.

internal import Model

/// The rows of one session. `name` is the keyed hash of its key.
struct SessionRow: Sendable {
    /// What is stored under the name.
    struct Content: Sendable {
        /// Nil for a record that does not open.
        let session: Session?
        let attempt: AttemptID?

        /// Every attempt that is not this process's own is of a process that is dead: the store has one owner.
        var unfinished: UnfinishedAttempt? { attempt.map { UnfinishedAttempt(attempt: $0, left: .zero) } }
        var stored: StoredSession? { session.map { StoredSession(session: $0, unfinished: unfinished) } }
    }

    /// So many generations are forgotten at once.
    private static let removedTogether: Int64 = 16

    let name: [UInt8]
    let seal: RecordSeal
    let onDamage: @Sendable () -> Void

    func read(_ connection: SQLiteConnection) throws(StoreError) -> Content? {
        let rows = try connection.run("SELECT record, attempt FROM session WHERE name = ?", [.blob(name)])
        guard let row = rows.first, row.count == 2, case .blob(let sealed) = row[0] else { return nil }
        let session = seal.open(sealed, name: name).flatMap(SessionRecord.decode)
        if session == nil { onDamage() }
        var attempt: AttemptID?
        if case .blob(let bytes) = row[1] { attempt = AttemptID(bytes) }
        return Content(session: session, attempt: attempt)
    }

    /// The attempt that is begun; the record stays closed.
    func readAttempt(_ connection: SQLiteConnection) throws(StoreError) -> AttemptID? {
        let rows = try connection.run("SELECT attempt FROM session WHERE name = ?", [.blob(name)])
        guard case .blob(let bytes)? = rows.first?.first else { return nil }
        return AttemptID(bytes)
    }

    func setAttempt(_ attempt: AttemptID?, _ connection: SQLiteConnection) throws(StoreError) {
        let value: SQLiteValue = attempt.map { .blob($0.bytes) } ?? .null
        try connection.run("UPDATE session SET attempt = ? WHERE name = ?", [value, .blob(name)])
    }

    /// - Parameter attempt: what stays begun.
    func write(_ session: Session, _ hash: TokenHash, attempt: AttemptID?, _ connection: SQLiteConnection)
        throws(StoreError)
    {
        let sealed = try sealed(session)
        try connection.run(
            """
            INSERT INTO session VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE
            SET ends = excluded.ends, attempt = excluded.attempt, record = excluded.record
            """,
            [
                .blob(name), .integer(session.expiresAt.milliseconds), attempt.map { .blob($0.bytes) } ?? .null,
                .blob(sealed),
            ])
        try writeLineage(session, hash, presented: nil, connection)
    }

    /// Writes over what the intent was begun with, and ends its attempt.
    /// - Returns: false when the attempt no longer holds; nothing is written then.
    func write(_ session: Session, _ hash: TokenHash, ending intent: RotationIntent, _ connection: SQLiteConnection)
        throws(StoreError) -> Bool
    {
        let sealed = try sealed(session)
        try connection.run(
            "UPDATE session SET ends = ?, attempt = NULL, record = ? WHERE name = ? AND attempt = ?",
            [.integer(session.expiresAt.milliseconds), .blob(sealed), .blob(name), .blob(intent.attempt.bytes)])
        guard connection.changes > 0 else { return false }
        try writeLineage(session, hash, presented: intent.tokenHash, connection)
        return true
    }

    private func sealed(_ session: Session) throws(StoreError) -> [UInt8] {
        guard let sealed = seal.seal(SessionRecord.encode(session), name: name) else {
            throw .failed(operation: "seal", code: 0)
        }
        return sealed
    }

    /// - Parameter presented: the hash of the token that the session was rotated from; nil for any other write.
    private func writeLineage(
        _ session: Session, _ hash: TokenHash, presented: TokenHash?, _ connection: SQLiteConnection
    ) throws(StoreError) {
        let generation = Int64(clamping: session.generation)
        // The older hashes were written when they were the newest, but for a token that was presented from elsewhere, and one that a login
        // has taken to another row meanwhile. What comes before the presented one was written with it.
        let isNext = presented != nil && session.superseded.last?.hash == presented
        for hash in session.superseded.suffix(isNext ? 1 : 2).map(\.hash) + [hash] {
            try connection.run(
                // One that is there already dirties no page, unless it comes back after a long time.
                """
                INSERT INTO lineage VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE
                SET name = excluded.name, generation = excluded.generation
                WHERE name <> excluded.name OR generation < excluded.generation - 2
                """,
                [.blob(hash.bytes), .blob(name), .integer(generation)])
        }
        // Several at a time: each that is removed dirties a page of its own, and those that are found together share one.
        let oldest = generation - Int64(SQLiteStore.lineageDepth)
        guard oldest > 0, oldest % Self.removedTogether == 0 else { return }
        try connection.run(
            "DELETE FROM lineage WHERE name = ? AND generation < ?", [.blob(name), .integer(oldest)])
    }

    /// Hands the lineage over to another row and ends this one.
    func merge(into other: SessionRow, _ connection: SQLiteConnection) throws(StoreError) {
        try connection.run("UPDATE lineage SET name = ? WHERE name = ?", [.blob(other.name), .blob(name)])
        try remove(connection)
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
