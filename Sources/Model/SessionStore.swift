// The port behind which sessions survive a crash.

/// Names one presentation of a token. 16 bytes; the upper half is the process's own, random at its start.
package struct AttemptID: Sendable, Hashable {
    package let high: UInt64
    package let low: UInt64
    package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }
}

/// What is written before a token is presented (contract 7.2).
package struct RotationIntent: Sendable, Hashable {
    package let attempt: AttemptID
    /// The session whose token is presented, as the store shall have it from now on: with a loss counted if there was one.
    /// Generation 0 for a token from a login made elsewhere, filed under a name of its own until the tenant takes it.
    package let session: Session
    /// The hash of the token that is presented.
    package let tokenHash: TokenHash
    /// Whose session a success is: another one than `key` for a token from a login made elsewhere.
    package let owner: SessionKey
    /// Whether its answer is everybody's who waits for the session (T2), or its own caller's alone (S1).
    package let isShared: Bool
    /// The unfinished attempt whose loss `session` counts.
    package let takesOver: AttemptID?
    /// The attempt is certainly over this long after it was begun.
    package let limit: Duration

    package var key: SessionKey { session.key }
    package var token: SessionToken { session.token }
    package var generation: UInt64 { session.generation }

    package init(
        attempt: AttemptID, session: Session, tokenHash: TokenHash, owner: SessionKey? = nil, isShared: Bool = true,
        takesOver: AttemptID? = nil, limit: Duration = .seconds(30)
    ) {
        (self.attempt, self.session, self.tokenHash) = (attempt, session, tokenHash)
        (self.owner, self.isShared, self.takesOver) = (owner ?? session.key, isShared, takesOver)
        self.limit = limit
    }
}

/// A presentation that began and whose end is not written.
package struct UnfinishedAttempt: Sendable, Hashable {
    package let attempt: AttemptID
    /// How long it may still be in the air, by the store's own clock. Zero: it is over and its answer was lost, because its
    /// process is dead (a store with one owner) or its limit has passed.
    package let left: Duration
    package init(attempt: AttemptID, left: Duration) { (self.attempt, self.left) = (attempt, left) }
}

package enum BeginOutcome: Sendable, Hashable {
    /// The intent is durable; present the token.
    case granted
    /// Another process's attempt is unfinished; present nothing.
    case held(UnfinishedAttempt)
    /// The store knows more of the session than the intent does, or (nil) has forgotten it; present nothing.
    case moved(Session?)
}

package enum CommitOutcome: Sendable, Hashable {
    /// The session is durable.
    case committed
    /// Somebody else's write came first and stays.
    case fenced(Session?)
}

/// A session as the store has it.
package struct StoredSession: Sendable, Hashable {
    package let session: Session
    package let unfinished: UnfinishedAttempt?
    package init(session: Session, unfinished: UnfinishedAttempt?) {
        (self.session, self.unfinished) = (session, unfinished)
    }
}

/// Why a store on the network cannot be used just now. The raw value is the label in the metrics.
package enum StoreTrouble: String, Error, Sendable, CaseIterable {
    /// No connection, or it was cut.
    case unreachable
    /// Its certificate is not trusted, or it does not want ours.
    case untrusted
    /// It did not answer in time.
    case slow
    /// It refuses the user, the password, or a command that is needed.
    case refused
    /// It has been started and reads its data.
    case loading
    /// A script of somebody else keeps it from working.
    case busy
    /// A replica: it takes no writes.
    case readOnly = "read_only"
    /// Its memory is full.
    case full
    /// It takes no writes because it cannot save them.
    case notSaving = "not_saving"
    /// What is there belongs to sidecars with other keys.
    case foreign
    /// It answers something that is not understood.
    case broken
}

package enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Reading or writing failed; `code` is the engine's own (SQLite's extended result code).
    case failed(operation: String, code: Int32)
    /// A store on the network cannot be used. Whether a write that was under way has been made is not known.
    case trouble(StoreTrouble)
    /// The store has been closed.
    case closed

    /// For the log.
    package var description: String {
        switch self {
        case .failed(let operation, let code): "\(operation) failed with code \(code)"
        case .trouble(let trouble): trouble.rawValue
        case .closed: "closed"
        }
    }
}

/// What a store that others write to as well tells of them.
package enum StoreNews: Sendable {
    /// A session is stored like this now. Comes for this process's own writes too.
    case stored(StoredSession)
    /// A session was removed.
    case forgotten(SessionKey)
    /// From now on every write is told of; what was read before may be out of date.
    case following
    /// Writes may go untold from now on.
    case missing
    /// The store may not have what it took a short while ago (another server took over), or has lost everything.
    case mayHaveForgotten(everything: Bool)
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
    /// Whether other processes write to it at the same time.
    var isShared: Bool { get }
    /// What keeps it from being used; nil when nothing does.
    var trouble: StoreTrouble? { get }
    /// Tells of writes from now on. A store of one process never has anything to tell.
    /// - Parameter told: must not wait.
    func follow(_ told: @escaping @Sendable (StoreNews) -> Void)
    /// The session filed under `key`.
    func load(_ key: SessionKey) async throws(StoreError) -> StoredSession?
    /// The session that has, or had, the token with this hash: the newest 1,024 tokens of each are known.
    func find(_ hash: TokenHash) async throws(StoreError) -> StoredSession?
    /// Records that `intent.session`'s token is about to be presented, and that session with it.
    func begin(_ intent: RotationIntent) async throws(StoreError) -> BeginOutcome
    /// Ends an attempt: `session` replaces what is stored if `intent` is still the one that was begun last. Filed under another
    /// key than the intent's (a login made elsewhere), it takes the intent's lineage with it, if it `replaces` what is there.
    /// - Parameter tokenHash: the hash of `session.token`, for the lineage.
    func commit(_ session: Session, tokenHash: TokenHash, ending intent: RotationIntent) async throws(StoreError)
        -> CommitOutcome
    /// Ends an attempt that changed nothing.
    func abandon(_ intent: RotationIntent) async throws(StoreError)
    /// Writes a session that was learned without a rotation, if it `replaces` what is stored. A higher generation fences off an
    /// attempt begun before; an equal one leaves it running.
    func save(_ session: Session, tokenHash: TokenHash) async throws(StoreError) -> CommitOutcome
    /// Removes the session and its lineage.
    func forget(_ key: SessionKey) async throws(StoreError)
    /// Removes sessions that no attempt is begun for: those whose token ended before `end`, and of the others, above `limit`
    /// sessions, those whose token ends first. At most a few thousand at a time. A store that forgets by itself removes nothing.
    /// - Returns: what was removed.
    func sweep(endedBefore end: Timestamp, limit: Int) async throws(StoreError) -> [SessionKey]
    /// Makes a small write durable: whether the store takes writes again after one failed.
    func probe() async throws(StoreError)
}

extension SessionStore {
    package var isShared: Bool { false }
    package var trouble: StoreTrouble? { nil }
    package func follow(_ told: @escaping @Sendable (StoreNews) -> Void) {}
    /// How many superseded tokens `find` knows of a session at least; some more until a store next removes what is too old.
    package static var lineageDepth: Int { 1024 }
    /// How many sessions one `sweep` removes at most.
    package static var sweepBatch: Int { 2000 }
}
