// The rules of the store port as a value: what every store does, without the waiting.

package import Model

/// Rows in memory. `MemoryStore` keeps one behind a lock; the SQLite store does the same with tables.
package struct StoreModel: Sendable, Hashable {
    private struct Claim: Sendable, Hashable {
        let attempt: AttemptID
        let until: Timestamp
    }

    private struct Row: Sendable, Hashable {
        var session: Session
        var claim: Claim?
        /// Of every token that finds the session, oldest first: those that `owners` has for it.
        var hashes: [TokenHash] = []
    }

    /// Whether other processes use the store at the same time: their attempts run until their limit has passed. The attempts of
    /// processes before this one are over.
    private let isShared: Bool
    private var rows: [SessionKey: Row] = [:]
    private var owners: [TokenHash: SessionKey] = [:]

    package init(isShared: Bool = false) { self.isShared = isShared }

    package func load(_ key: SessionKey, at now: Timestamp) -> StoredSession? {
        guard let row = rows[key] else { return nil }
        return StoredSession(session: row.session, unfinished: row.claim.map { unfinished($0, at: now) })
    }

    package func find(_ hash: TokenHash, at now: Timestamp) -> StoredSession? {
        owners[hash].flatMap { load($0, at: now) }
    }

    private func unfinished(_ claim: Claim, at now: Timestamp) -> UnfinishedAttempt {
        UnfinishedAttempt(attempt: claim.attempt, left: isShared ? max(claim.until - now, .zero) : .zero)
    }

    package mutating func begin(_ intent: RotationIntent, at now: Timestamp) -> BeginOutcome {
        if let row = rows[intent.key] {
            guard intent.session.replaces(row.session) else { return .moved(row.session) }
            // An attempt with an older token than the intent's is over, whatever the store still says.
            if let claim = row.claim, intent.generation == row.session.generation, !intent.mayFollow(claim.attempt) {
                return .held(unfinished(claim, at: now))
            }
        } else if intent.generation > 0 {
            return .moved(nil)
        }
        put(intent.session, intent.tokenHash, Claim(attempt: intent.attempt, until: now + intent.limit))
        return .granted
    }

    package mutating func commit(_ session: Session, tokenHash: TokenHash, ending intent: RotationIntent)
        -> CommitOutcome
    {
        guard let begun = rows[intent.key], begun.claim?.attempt == intent.attempt else {
            return .fenced(rows[session.key]?.session)
        }
        if session.key != intent.key {
            if let known = rows[session.key]?.session, !session.replaces(known) { return .fenced(known) }
            rows[intent.key] = nil
            for hash in begun.hashes { owners[hash] = session.key }
            rows[session.key, default: Row(session: session)].hashes.insert(contentsOf: begun.hashes, at: 0)
        }
        put(session, tokenHash, nil)
        return .committed
    }

    package mutating func abandon(_ intent: RotationIntent) {
        guard let row = rows[intent.key], row.claim?.attempt == intent.attempt else { return }
        if row.session.isOnlyPresented { forget(intent.key) } else { rows[intent.key]?.claim = nil }
    }

    package mutating func save(_ session: Session, tokenHash: TokenHash) -> CommitOutcome {
        let row = rows[session.key]
        if let known = row?.session, !session.replaces(known) { return .fenced(known) }
        put(session, tokenHash, session.generation == row?.session.generation ? row?.claim : nil)
        return .committed
    }

    package mutating func forget(_ key: SessionKey) {
        guard let row = rows.removeValue(forKey: key) else { return }
        for hash in row.hashes { owners[hash] = nil }
    }

    package mutating func sweep(endedBefore end: Timestamp, limit: Int) -> [SessionKey] {
        let idle = rows.values.filter { $0.claim == nil }.map(\.session).sorted { $0.expiresAt < $1.expiresAt }
        let ended = idle.prefix { $0.expiresAt < end }.count
        let removed = idle.prefix(max(ended, rows.count - limit)).map(\.key)
        for key in removed { forget(key) }
        return removed
    }

    private mutating func put(_ session: Session, _ tokenHash: TokenHash, _ claim: Claim?) {
        let key = session.key
        var row = rows.removeValue(forKey: key) ?? Row(session: session)
        (row.session, row.claim) = (session, claim)
        // The lineage's older hashes were put when they were the newest, but for a token that was presented from elsewhere.
        for hash in session.superseded.suffix(2).map(\.hash) + [tokenHash] {
            let owner = owners.updateValue(key, forKey: hash)
            guard owner != key else { continue }
            row.hashes.append(hash)
            if let owner { rows[owner]?.hashes.removeAll { $0 == hash } }
        }
        let tooMany = max(0, row.hashes.count - 1 - MemoryStore.lineageDepth)
        for hash in row.hashes.prefix(tooMany) { owners[hash] = nil }
        row.hashes.removeFirst(tooMany)
        rows[key] = row
    }
}

extension RotationIntent {
    /// Whether an unfinished attempt is no hindrance: its loss is counted, or it is one of this process that could not be ended.
    func mayFollow(_ unfinished: AttemptID) -> Bool { unfinished == takesOver || unfinished.high == attempt.high }
}

extension Session {
    /// Whether it is no more than a token that was presented, of which nothing is known.
    var isOnlyPresented: Bool { generation == 0 && state == .live }
}
