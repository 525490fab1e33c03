// The rules of the store port as a value: what every store does, without the waiting.

package import Model

/// Rows in memory. `MemoryStore` keeps one behind a lock; the SQLite store does the same with tables.
package struct StoreModel: Sendable, Hashable {
    private struct Row: Sendable, Hashable {
        var session: Session?
        var attempt: AttemptID?
        var hashes: Set<TokenHash> = []

        var stored: StoredSession? { session.map { StoredSession(session: $0, unfinished: attempt) } }
    }

    private var rows: [SessionKey: Row] = [:]
    private var owners: [TokenHash: SessionKey] = [:]

    package init() {}

    package func load(_ key: SessionKey) -> StoredSession? { rows[key]?.stored }
    package func find(_ hash: TokenHash) -> StoredSession? { owners[hash].flatMap { rows[$0]?.stored } }

    package mutating func begin(_ intent: RotationIntent) -> BeginOutcome {
        var row = rows[intent.key] ?? Row()
        guard (row.session?.generation ?? 0) == intent.generation else { return .moved(row.session) }
        row.attempt = intent.attempt
        rows[intent.key] = row
        return .granted
    }

    package mutating func commit(_ session: Session, tokenHash: TokenHash, attempt: AttemptID) -> CommitOutcome {
        guard rows[session.key]?.attempt == attempt else { return .fenced(rows[session.key]?.session) }
        put(session, tokenHash, attempt: nil)
        return .committed
    }

    package mutating func abandon(_ key: SessionKey, attempt: AttemptID) {
        guard rows[key]?.attempt == attempt else { return }
        rows[key]?.attempt = nil
        if rows[key]?.session == nil { rows[key] = nil }
    }

    package mutating func save(_ session: Session, tokenHash: TokenHash) -> CommitOutcome {
        let row = rows[session.key]
        if let known = row?.session, !session.replaces(known) { return .fenced(known) }
        put(session, tokenHash, attempt: session.generation == row?.session?.generation ? row?.attempt : nil)
        return .committed
    }

    package mutating func forget(_ key: SessionKey) {
        guard let row = rows.removeValue(forKey: key) else { return }
        for hash in row.hashes { owners[hash] = nil }
    }

    /// - Parameter attempt: what stays begun.
    private mutating func put(_ session: Session, _ tokenHash: TokenHash, attempt: AttemptID?) {
        for hash in rows[session.key]?.hashes ?? [] { owners[hash] = nil }
        let hashes = Set(session.superseded.map(\.hash) + [tokenHash])
        for hash in hashes { owners[hash] = session.key }
        rows[session.key] = Row(session: session, attempt: attempt, hashes: hashes)
    }
}

extension Session {
    /// Whether a learned session may be written over `known`: a newer generation, or the same one told again.
    func replaces(_ known: Session) -> Bool {
        generation > known.generation || (generation == known.generation && token == known.token)
    }
}
