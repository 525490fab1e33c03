// Sessions in a SQLite file: acknowledged means on disk.

package import Model
internal import NIOConcurrencyHelpers

/// `sqlite:PATH` (contract 9): WAL, synchronous FULL, records sealed, one owner process per file.
package final class SQLiteStore: SessionStore {
    /// So many pages are written to the log (`PATH-wal`, 16 MB) before it is copied into the file. A page that was written many times
    /// meanwhile is copied once; with SQLite's own 1000, a tenth of a refresh's CPU time went into that.
    private static let pragmas = """
        PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 4000
        """

    package static var libraryVersion: String { SQLiteConnection.libraryVersion }

    package let keys: StoreKeys
    private let seal: RecordSeal
    private let onDamage: @Sendable () -> Void
    private let writer: SQLiteThread
    private let reader: SQLiteThread
    private let lock: OwnerLock
    /// Of the sessions that were asked for last.
    private let names = NIOLockedValueBox<[SessionKey: [UInt8]]>([:])
    private static let rememberedNames = 256

    /// Opens the file at `path`, making it and its folder if they are missing.
    /// - Parameters:
    ///   - key: 32 bytes that seal the records; nil takes them from `PATH.key`, made at the first start.
    ///   - oldKeys: keys that the store may still be sealed with; it is sealed with `key` from then on.
    ///   - onDamage: told of every record that does not open; it is skipped, its user has to log in again.
    package init(
        path: String, key: [UInt8]?, oldKeys: [[UInt8]] = [], onDamage: @escaping @Sendable () -> Void = {}
    ) throws(StoreOpenError) {
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try PlainFile.makeFolder(String(path[..<slash]))
        }
        lock = try OwnerLock(path: path + ".lock")
        // SQLite would make it with 0644; the -wal and -shm files take the mode of this one.
        try PlainFile.touch(path)
        let seal: RecordSeal
        if let key {
            seal = RecordSeal(master: key)
        } else {
            seal = RecordSeal(master: try Self.keyBeside(path))
        }
        let connection = try SQLiteConnection(path: path, readOnly: false)
        do { keys = try Self.prepare(connection, seal, oldKeys.map { RecordSeal(master: $0) }, path, onDamage) } catch {
            connection.close()
            throw error
        }
        (self.seal, self.onDamage) = (seal, onDamage)
        writer = SQLiteThread(connection: connection, transactions: true)
        reader = SQLiteThread(connection: try SQLiteConnection(path: path, readOnly: false), transactions: false)
    }

    /// Before SQLite has the file: to close another descriptor of it would take away its locks.
    private static func keyBeside(_ path: String) throws(StoreOpenError) -> [UInt8] {
        let start = try PlainFile.start(of: path)
        guard start.isEmpty || start.elementsEqual("SQLite format 3\0".utf8) else {
            throw .unusable(path: path, code: SQLiteConnection.notADatabase)
        }
        return try StoreKeyFile.readOrMake(path + ".key", isNew: start.isEmpty)
    }

    private static func prepare(
        _ connection: SQLiteConnection, _ seal: RecordSeal, _ oldSeals: [RecordSeal], _ path: String,
        _ onDamage: @Sendable () -> Void
    ) throws(StoreOpenError) -> StoreKeys {
        do {
            try connection.execute(pragmas)
            let found = try SQLiteSchema.found(connection, path: path)
            // Before anything is changed in it.
            if found > 0 { try checkKey(connection, [seal] + oldSeals, path) }
            try SQLiteSchema.prepare(connection, found: found)
            if let old = try oldSeals.first(where: { try isSealed(connection, with: $0) }) {
                for _ in 0..<(try SQLiteRekey.run(connection, from: old, to: seal)) { onDamage() }
            }
            return StoreKeys(
                lineage: try secret("lineage", connection, seal, path),
                fingerprint: try secret("fingerprint", connection, seal, path))
        } catch {
            switch error {
            case let refused as StoreOpenError: throw refused
            case StoreError.failed(_, let code): throw .unusable(path: path, code: code)
            default: throw .unusable(path: path, code: 0)
            }
        }
    }

    /// Whether one of the keys opens the store. There is nothing to open yet in one that was ended while it was made.
    private static func checkKey(_ connection: SQLiteConnection, _ seals: [RecordSeal], _ path: String) throws {
        guard let sealed = try sealedSecret("lineage", connection) else { return }
        guard seals.contains(where: { $0.open(sealed, name: Array("lineage".utf8)) != nil }) else {
            throw StoreOpenError.wrongKey(path: path)
        }
    }

    private static func isSealed(_ connection: SQLiteConnection, with seal: RecordSeal) throws(StoreError) -> Bool {
        guard let sealed = try sealedSecret("lineage", connection) else { return false }
        return seal.open(sealed, name: Array("lineage".utf8)) != nil
    }

    private static func sealedSecret(_ purpose: String, _ connection: SQLiteConnection) throws(StoreError) -> [UInt8]? {
        let rows = try connection.run("SELECT record FROM secret WHERE name = ?", [.blob(Array(purpose.utf8))])
        guard case .blob(let sealed)? = rows.first?.first else { return nil }
        return sealed
    }

    /// A random key kept in the store itself, made at first use; it stays when the sealing key changes.
    private static func secret(_ purpose: String, _ connection: SQLiteConnection, _ seal: RecordSeal, _ path: String)
        throws -> [UInt8]
    {
        let name = Array(purpose.utf8)
        if let sealed = try sealedSecret(purpose, connection) {
            guard let key = seal.open(sealed, name: name), key.count == 32 else {
                throw StoreOpenError.wrongKey(path: path)
            }
            return key
        }
        let key = RandomBytes.make(32)
        guard let sealed = seal.seal(key, name: name) else { throw StoreOpenError.unusable(path: path, code: 0) }
        try connection.run("INSERT INTO secret VALUES (?, ?)", [.blob(name), .blob(sealed)])
        return key
    }

    /// Ends both connections after what waits now.
    package func close() async {
        await reader.close()
        await writer.close()
        lock.release()
    }

    private func row(_ key: SessionKey) -> SessionRow {
        SessionRow(name: name(of: key), seal: seal, onDamage: onDamage)
    }

    /// A rotation asks for it twice within a moment, and hashing it costs more than a look into a small table.
    private func name(of key: SessionKey) -> [UInt8] {
        if let known = names.withLockedValue({ $0[key] }) { return known }
        let name = seal.name(of: key)
        names.withLockedValue { names in
            if names.count >= Self.rememberedNames { names.removeAll(keepingCapacity: true) }
            names[key] = name
        }
        return name
    }

    package func load(_ key: SessionKey) async throws(StoreError) -> StoredSession? {
        let row = row(key)
        return try await reader.perform { (connection) throws(StoreError) in try row.read(connection)?.stored }
    }

    package func find(_ hash: TokenHash) async throws(StoreError) -> StoredSession? {
        let (seal, onDamage) = (seal, onDamage)
        return try await reader.perform { (connection) throws(StoreError) in
            let rows = try connection.run("SELECT name FROM lineage WHERE hash = ?", [.blob(hash.bytes)])
            guard case .blob(let name)? = rows.first?.first else { return nil }
            return try SessionRow(name: name, seal: seal, onDamage: onDamage).read(connection)?.stored
        }
    }

    package func begin(_ intent: RotationIntent) async throws(StoreError) -> BeginOutcome {
        let row = row(intent.key)
        return try await writer.perform { (connection) throws(StoreError) in
            let content = try row.read(connection)
            if let known = content?.session {
                guard intent.session.replaces(known) else { return .moved(known) }
                if let unfinished = content?.unfinished, intent.generation == known.generation,
                    !intent.mayFollow(unfinished.attempt)
                {
                    return .held(unfinished)
                }
                if known == intent.session {
                    try row.setAttempt(intent.attempt, connection)
                    return .granted
                }
            } else if content == nil, intent.generation > 0 {
                return .moved(nil)
            }
            try row.write(intent.session, intent.tokenHash, attempt: intent.attempt, connection)
            return .granted
        }
    }

    package func commit(_ session: Session, tokenHash: TokenHash, ending intent: RotationIntent)
        async throws(StoreError) -> CommitOutcome
    {
        let row = row(session.key)
        guard session.key != intent.key else {
            return try await writer.perform { (connection) throws(StoreError) in
                let isWritten = try row.write(session, tokenHash, ending: intent, connection)
                return isWritten ? .committed : .fenced(try row.read(connection)?.session)
            }
        }
        let begun = self.row(intent.key)
        return try await writer.perform { (connection) throws(StoreError) in
            let known = try row.read(connection)?.session
            guard try begun.readAttempt(connection) == intent.attempt else { return .fenced(known) }
            if let known, !session.replaces(known) { return .fenced(known) }
            let lineage = try begun.handOver(to: row, generation: session.generation, connection)
            try row.write(session, tokenHash, attempt: nil, inherited: lineage, connection)
            return .committed
        }
    }

    package func abandon(_ intent: RotationIntent) async throws(StoreError) {
        let row = row(intent.key)
        try await writer.perform { (connection) throws(StoreError) in
            guard let known = try row.read(connection), known.attempt == intent.attempt else { return }
            if known.session?.isOnlyPresented ?? true {
                try row.remove(connection)
            } else {
                try row.setAttempt(nil, connection)
            }
        }
    }

    package func save(_ session: Session, tokenHash: TokenHash) async throws(StoreError) -> CommitOutcome {
        let row = row(session.key)
        return try await writer.perform { (connection) throws(StoreError) in
            let content = try row.read(connection)
            if let known = content?.session, !session.replaces(known) { return .fenced(known) }
            let attempt = session.generation == content?.session?.generation ? content?.attempt : nil
            try row.write(session, tokenHash, attempt: attempt, connection)
            return .committed
        }
    }

    package func forget(_ key: SessionKey) async throws(StoreError) {
        let row = row(key)
        try await writer.perform { (connection) throws(StoreError) in try row.remove(connection) }
    }

    package func sweep(endedBefore end: Timestamp, limit: Int) async throws(StoreError) -> [SessionKey] {
        let (seal, onDamage) = (seal, onDamage)
        return try await writer.perform { (connection) throws(StoreError) in
            guard case .integer(let count)? = try connection.run("SELECT count(*) FROM session").first?.first else {
                return []
            }
            // What ends first: the ended ones, then those that were rotated longest ago.
            let rows = try connection.run(
                "SELECT name, ends FROM session WHERE attempt IS NULL ORDER BY ends LIMIT ?",
                [.integer(Int64(Self.sweepBatch))])
            var removed: [SessionKey] = []
            for (index, columns) in rows.enumerated() {
                guard case .blob(let name) = columns[0], case .integer(let ends) = columns[1],
                    ends < end.milliseconds || count - Int64(index) > Int64(limit)
                else { break }
                let row = SessionRow(name: name, seal: seal, onDamage: onDamage)
                if let session = try row.read(connection)?.session { removed.append(session.key) }
                try row.remove(connection)
            }
            return removed
        }
    }

    package func probe() async throws(StoreError) {
        try await writer.perform { (connection) throws(StoreError) in
            // Another value each time: SQLite writes nothing where nothing changes.
            _ = try connection.run(
                "INSERT OR REPLACE INTO secret VALUES (?, randomblob(16))", [.blob(Array("probe".utf8))])
        }
    }
}
