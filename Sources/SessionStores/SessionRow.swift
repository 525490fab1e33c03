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

    /// - Parameters:
    ///   - attempt: what stays begun.
    ///   - inherited: hashes of another session that find this one from now on.
    func write(
        _ session: Session, _ hash: TokenHash, attempt: AttemptID?, inherited: [TokenHash] = [],
        _ connection: SQLiteConnection
    ) throws(StoreError) {
        let (sealed, lineage) = (try sealed(session), LineageRows(name: name, connection: connection))
        let generation = Int64(clamping: session.generation)
        // The older hashes were added when they were the newest, but for a token that was presented from elsewhere.
        let added = try lineage.add(session.superseded.suffix(2).map(\.hash) + [hash], generation: generation)
        try connection.run(
            """
            INSERT INTO session VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE
            SET ends = excluded.ends, attempt = excluded.attempt, record = excluded.record,
            hashes = CAST(hashes || excluded.hashes AS BLOB)
            """,
            [
                .blob(name), .integer(session.expiresAt.milliseconds), attempt.map { .blob($0.bytes) } ?? .null,
                .blob(sealed), .blob((inherited + added).bytes),
            ])
        try lineage.trim(generation: generation)
    }

    /// Writes over what the intent was begun with, and ends its attempt.
    /// - Returns: false when the attempt no longer holds; nothing is written then.
    func write(_ session: Session, _ hash: TokenHash, ending intent: RotationIntent, _ connection: SQLiteConnection)
        throws(StoreError) -> Bool
    {
        let (sealed, lineage) = (try sealed(session), LineageRows(name: name, connection: connection))
        let generation = Int64(clamping: session.generation)
        try connection.run(
            """
            UPDATE session SET ends = ?, attempt = NULL, record = ?, hashes = CAST(hashes || ? AS BLOB)
            WHERE name = ? AND attempt = ?
            """,
            [
                // The same token again is listed already.
                .integer(session.expiresAt.milliseconds), .blob(sealed),
                .blob(hash == intent.tokenHash ? [] : hash.bytes), .blob(name),
                .blob(intent.attempt.bytes),
            ])
        guard connection.changes > 0 else { return false }
        // What comes before the presented token was added with it. The presented one a login may have taken to another row meanwhile.
        let isNext = session.superseded.last?.hash == intent.tokenHash
        let superseded = session.superseded.suffix(isNext ? 1 : 2).map(\.hash)
        try lineage.list(try lineage.add(superseded, generation: generation))
        _ = try lineage.add([hash], generation: generation)
        try lineage.trim(generation: generation)
        return true
    }

    private func sealed(_ session: Session) throws(StoreError) -> [UInt8] {
        guard let sealed = seal.seal(SessionRecord.encode(session), name: name) else {
            throw .failed(operation: "seal", code: 0)
        }
        return sealed
    }

    /// Ends this row; its lineage finds another one from now on.
    /// - Parameter generation: the other one's.
    /// - Returns: the hashes that the other one has to list.
    func handOver(to other: SessionRow, generation: UInt64, _ connection: SQLiteConnection) throws(StoreError)
        -> [TokenHash]
    {
        let lineage = LineageRows(name: name, connection: connection)
        let hashes = try lineage.rename(to: other.name, generation: Int64(clamping: generation))
        try lineage.removeParts()
        try removeRecord(connection)
        return hashes
    }

    func remove(_ connection: SQLiteConnection) throws(StoreError) {
        try LineageRows(name: name, connection: connection).remove()
        try removeRecord(connection)
    }

    private func removeRecord(_ connection: SQLiteConnection) throws(StoreError) {
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
