// The port behind which sessions survive a crash.

/// Names one presentation of a token. 16 random bytes.
package struct AttemptID: Sendable, Hashable {
    package let high: UInt64
    package let low: UInt64
    package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }
    package static func random() -> AttemptID {
        AttemptID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }
}

/// What is written before a token is presented (contract 7.2).
package struct RotationIntent: Sendable, Hashable {
    package let attempt: AttemptID
    /// The session as it was when the attempt began; nil when the token is not of a session that we know.
    package let session: Session?
    package let key: SessionKey
    /// The token that goes to the tenant: the session's newest, or one from a login made elsewhere.
    package let token: SessionToken
    /// Whether its answer is everybody's who waits for the session (T2), or its own caller's alone (S1).
    package let isShared: Bool
    /// The generation that the attempt replaces; 0 when there is no session yet.
    package var generation: UInt64 { session?.generation ?? 0 }

    package init(attempt: AttemptID, key: SessionKey, session: Session?, token: SessionToken, isShared: Bool = true) {
        (self.attempt, self.key, self.session, self.token) = (attempt, key, session, token)
        self.isShared = isShared
    }
}

package enum BeginOutcome: Sendable {
    /// The intent is durable; present the token.
    case granted
    /// The store holds another generation than the intent was made for; present nothing.
    case moved(Session?)
}

package enum CommitOutcome: Sendable {
    /// The session is durable.
    case committed
    /// Somebody else's write came first and stays.
    case fenced(Session?)
}

/// A session as the store has it.
package struct StoredSession: Sendable {
    package let session: Session
    /// A presentation that began and whose end was never written: its process died with the answer unknown.
    package let unfinished: AttemptID?
    package init(session: Session, unfinished: AttemptID?) { (self.session, self.unfinished) = (session, unfinished) }
}

package enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Reading or writing failed; `code` is the engine's own (SQLite's extended result code).
    case failed(operation: String, code: Int32)
    /// The store has been closed.
    case closed

    /// For the log.
    package var description: String {
        switch self {
        case .failed(let operation, let code): "\(operation) failed with code \(code)"
        case .closed: "closed"
        }
    }
}

/// Keys that the store keeps for us, the same after a restart and on every replica. 32 bytes each.
package struct StoreKeys: Sendable, Redacted {
    /// For `TokenHash`.
    package let lineage: [UInt8]
    /// For derived device fingerprints when no key is configured (contract 5).
    package let fingerprint: [UInt8]
    package init(lineage: [UInt8], fingerprint: [UInt8]) { (self.lineage, self.fingerprint) = (lineage, fingerprint) }
}

/// Where sessions are kept. When a writing call returns, what it wrote survives `kill -9` (but for `memory:`, which says so).
package protocol SessionStore: Sendable {
    var keys: StoreKeys { get }
    /// The session filed under `key`.
    func load(_ key: SessionKey) async throws(StoreError) -> StoredSession?
    /// The session that has, or had, the token with this hash.
    func find(_ hash: TokenHash) async throws(StoreError) -> StoredSession?
    /// Records that a token is about to be presented. Fenced by generation; an unfinished attempt is taken over.
    func begin(_ intent: RotationIntent) async throws(StoreError) -> BeginOutcome
    /// Ends an attempt: `session` replaces what is stored if `attempt` is still the one that was begun last.
    /// - Parameter tokenHash: the hash of `session.token`, for the lineage.
    func commit(_ session: Session, tokenHash: TokenHash, attempt: AttemptID) async throws(StoreError) -> CommitOutcome
    /// Ends an attempt that changed nothing.
    func abandon(_ key: SessionKey, attempt: AttemptID) async throws(StoreError)
    /// Writes a session that was learned without a rotation. Kept only if its generation is above what is stored, or equal with
    /// the same token (a pin, a state). A higher generation fences off an attempt begun before; an equal one leaves it running.
    func save(_ session: Session, tokenHash: TokenHash) async throws(StoreError) -> CommitOutcome
    /// Removes the session and its lineage.
    func forget(_ key: SessionKey) async throws(StoreError)
    /// Makes a small write durable: whether the store takes writes again after one failed.
    func probe() async throws(StoreError)
}
