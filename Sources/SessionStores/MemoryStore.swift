// Sessions in memory: for tests and throw-away use, and the model that the other stores are compared with.

package import Model
internal import NIOConcurrencyHelpers

/// `memory:` — the rules of the store port without the disk. Everything is gone at exit.
package final class MemoryStore: SessionStore {
    fileprivate struct Row {
        var session: Session?
        var attempt: AttemptID?
        var hashes: Set<TokenHash> = []
    }
    fileprivate struct State {
        var rows: [SessionKey: Row] = [:]
        var owners: [TokenHash: SessionKey] = [:]
    }

    package let keys: StoreKeys
    private let state = NIOLockedValueBox(State())

    package init() {
        var generator = SystemRandomNumberGenerator()
        func random() -> [UInt8] { (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) } }
        keys = StoreKeys(lineage: random(), fingerprint: random())
    }

    package func load(_ key: SessionKey) async throws(StoreError) -> StoredSession? {
        state.withLockedValue { $0.rows[key]?.stored }
    }

    package func find(_ hash: TokenHash) async throws(StoreError) -> StoredSession? {
        state.withLockedValue { state in state.owners[hash].flatMap { state.rows[$0]?.stored } }
    }

    package func begin(_ intent: RotationIntent) async throws(StoreError) -> BeginOutcome {
        state.withLockedValue { state in
            var row = state.rows[intent.key] ?? Row()
            guard (row.session?.generation ?? 0) == intent.generation else { return .moved(row.session) }
            row.attempt = intent.attempt
            state.rows[intent.key] = row
            return .granted
        }
    }

    package func commit(_ session: Session, tokenHash: TokenHash, attempt: AttemptID) async throws(StoreError)
        -> CommitOutcome
    {
        state.withLockedValue { state in
            guard state.rows[session.key]?.attempt == attempt else { return .fenced(state.rows[session.key]?.session) }
            state.put(session, tokenHash, attempt: nil)
            return .committed
        }
    }

    package func abandon(_ key: SessionKey, attempt: AttemptID) async throws(StoreError) {
        state.withLockedValue { state in
            guard state.rows[key]?.attempt == attempt else { return }
            state.rows[key]?.attempt = nil
            if state.rows[key]?.session == nil { state.rows[key] = nil }
        }
    }

    package func save(_ session: Session, tokenHash: TokenHash) async throws(StoreError) -> CommitOutcome {
        state.withLockedValue { state in
            let row = state.rows[session.key]
            if let known = row?.session, !session.replaces(known) { return .fenced(known) }
            state.put(session, tokenHash, attempt: session.generation == row?.session?.generation ? row?.attempt : nil)
            return .committed
        }
    }

    package func forget(_ key: SessionKey) async throws(StoreError) {
        state.withLockedValue { state in
            guard let row = state.rows.removeValue(forKey: key) else { return }
            for hash in row.hashes { state.owners[hash] = nil }
        }
    }
}

extension MemoryStore.Row {
    fileprivate var stored: StoredSession? { session.map { StoredSession(session: $0, unfinished: attempt) } }
}

extension MemoryStore.State {
    /// - Parameter attempt: what stays begun.
    fileprivate mutating func put(_ session: Session, _ tokenHash: TokenHash, attempt: AttemptID?) {
        for hash in rows[session.key]?.hashes ?? [] { owners[hash] = nil }
        let hashes = Set(session.superseded.map(\.hash) + [tokenHash])
        for hash in hashes { owners[hash] = session.key }
        rows[session.key] = MemoryStore.Row(session: session, attempt: attempt, hashes: hashes)
    }
}

extension Session {
    /// Whether a learned session may be written over `known`: a newer generation, or the same one told again.
    func replaces(_ known: Session) -> Bool {
        generation > known.generation || (generation == known.generation && token == known.token)
    }
}
