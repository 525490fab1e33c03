// Every rule of session-token rotation, as a value: questions and events in, decisions out, time passed in.

package import Model

/// Why the sidecar itself answers instead of the tenant (contract 7).
package enum SessionRefusal: Sendable, Equatable {
    /// No token was presented and no session is known.
    case unknown
    /// The token was replaced longer ago than the grace.
    case superseded
    /// The token belongs to another user.
    case mismatch
    /// The session is over until a login.
    case dead(Session.Death)
}

/// What a request wants of a session.
package enum SessionPurpose: Sendable, Equatable {
    /// The newest token; many may share one rotation's answer (T2, local API).
    case refresh
    /// A call that may rotate and answers with more than the token, for its own caller alone (S1).
    case exchange
    /// A refresh that no app asked for; it does not count as use.
    case keepFresh
    /// A call that goes out with the newest token and leaves it as it is (T3).
    case use
}

/// What is to be done for a claim.
package enum SessionDecision: Sendable {
    /// Ask the store this, tell the ledger what it said, and decide again.
    case load(StoreQuery)
    case refuse(SessionRefusal)
    /// Answer with the newest token; nothing goes to the tenant.
    case replay(Session)
    /// Send the call with this session's newest token.
    case use(Session)
    /// Send the call with a token from a login made elsewhere; if the tenant takes it, it is the session from then on.
    case useForeign(SessionToken, key: SessionKey)
    /// Present the token. The ledger counts the attempt as running until `ended`.
    case start(RotationIntent)
    /// Wait for the running attempt and take its answer.
    case join(AttemptID)
    /// Wait for the running attempt, then decide again.
    case wait(AttemptID)
    /// An answer was lost a moment ago: wait this long, then decide again.
    case settle(Duration)
}

/// The sessions in memory and the rules over them. It never waits, reads a clock or touches a store.
package struct SessionLedger: Sendable {
    private struct Entry: Sendable, Hashable {
        /// Nil when the store has none.
        var session: Session?
        /// The presentation in the air.
        var intent: RotationIntent?
        /// When an app last asked for it; nil until one does. Says nothing about the session itself.
        var usedAt: Timestamp?

        static func == (left: Self, right: Self) -> Bool {
            left.session == right.session && left.intent == right.intent
        }
        func hash(into hasher: inout Hasher) {
            hasher.combine(session)
            hasher.combine(intent)
        }
    }

    let policy: RotationPolicy
    let hasher: TokenHasher
    private var entries: [SessionKey: Entry] = [:]
    /// The newest and the remembered superseded tokens of every session in memory.
    private var lineage: [TokenHash: SessionKey] = [:]

    package init(policy: RotationPolicy, hasher: TokenHasher) { (self.policy, self.hasher) = (policy, hasher) }

    package func session(_ key: SessionKey) -> Session? { entries[key]?.session }
    func attempt(_ key: SessionKey) -> RotationIntent? { entries[key]?.intent }
    func isKnown(_ key: SessionKey) -> Bool { entries[key] != nil }
    func owner(of hash: TokenHash) -> SessionKey? { lineage[hash] }

    /// Decides what a claim gets.
    /// - Parameters:
    ///   - read: store queries that found nothing while this claim was being decided.
    ///   - rotationTried: a rotation before this call has just failed; do not ask for another.
    ///   - attempt: the name for an attempt, should one start.
    package mutating func decide(
        _ claim: SessionClaim, for purpose: SessionPurpose, read: Set<StoreQuery> = [], rotationTried: Bool = false,
        attempt: AttemptID, at now: Timestamp
    ) -> SessionDecision {
        switch locate(claim, read: read) {
        case .unread(let query): return .load(query)
        case .refused(let refusal): return .refuse(refusal)
        case .found(let key, let presented):
            if let refusal = refusal(key, presented, at: now) { return .refuse(refusal) }
            if purpose != .keepFresh { entries[key]?.usedAt = now }
            if let intent = entries[key]?.intent {
                return (purpose == .refresh || purpose == .keepFresh) && intent.isShared
                    && shares(presented, claim.token, intent)
                    ? .join(intent.attempt) : .wait(intent.attempt)
            }
            return decideIdle(key, presented, purpose, rotationTried, attempt, now)
        }
    }

    private func refusal(_ key: SessionKey, _ presented: Presented, at now: Timestamp) -> SessionRefusal? {
        if case .superseded(let at) = presented, now - at >= policy.grace { return .superseded }
        if case .foreign = presented { return nil }
        if case .dead(let death) = entries[key]?.session?.state { return .dead(death) }
        return nil
    }

    /// Whether a refresh takes the answer of the attempt in the air: it presents the same token, or both are of the session's
    /// own lineage.
    private func shares(_ presented: Presented, _ token: SessionToken?, _ intent: RotationIntent) -> Bool {
        switch presented {
        case .candidate: true
        case .foreign: false
        case .newest, .superseded: token == nil || intent.session?.token == intent.token
        }
    }

    private mutating func decideIdle(
        _ key: SessionKey, _ presented: Presented, _ purpose: SessionPurpose, _ rotationTried: Bool,
        _ attempt: AttemptID, _ now: Timestamp
    ) -> SessionDecision {
        guard let session = entries[key]?.session else {
            guard case .foreign(let token) = presented else { return .refuse(.unknown) }
            return purpose == .use ? .useForeign(token, key: key) : start(key, token, purpose, attempt)
        }
        switch (purpose, presented) {
        case (.use, .foreign(let token)): return .useForeign(token, key: key)
        case (_, .foreign(let token)): return start(key, token, purpose, attempt)
        case (.exchange, _): return present(session, purpose, attempt, now)
        case (.refresh, .superseded) where session.state == .live: return .replay(session)
        case (.refresh, _), (.keepFresh, _):
            let fresh = now - session.rotatedAt < policy.minimumInterval && session.state == .live
            return fresh && session.remaining(at: now) > .zero
                ? .replay(session) : present(session, .refresh, attempt, now)
        case (.use, _):
            let wanting = session.remaining(at: now) < policy.refreshAhead || session.state != .live
            return wanting && !rotationTried ? present(session, .refresh, attempt, now) : .use(session)
        }
    }

    /// Presents the session's own token; after a lost answer not before the tenant has settled.
    private mutating func present(
        _ session: Session, _ purpose: SessionPurpose, _ attempt: AttemptID, _ now: Timestamp
    ) -> SessionDecision {
        if case .unknown(let since) = session.state {
            // A wall clock that was set back must not make this longer.
            let left = min(since + policy.settle - now, policy.settle)
            if left > .zero { return .settle(left) }
        }
        return start(session.key, session.token, purpose, attempt)
    }

    private mutating func start(
        _ key: SessionKey, _ token: SessionToken, _ purpose: SessionPurpose, _ attempt: AttemptID
    ) -> SessionDecision {
        let intent = RotationIntent(
            attempt: attempt, key: key, session: entries[key]?.session, token: token, isShared: purpose != .exchange)
        entries[key, default: Entry()].intent = intent
        return .start(intent)
    }

    /// The store was asked for a key or a token and has this. What memory already knows is newer and stays. An attempt that was
    /// begun and never ended is one of a process that is dead.
    package mutating func loaded(_ stored: StoredSession?, for query: StoreQuery, at now: Timestamp) {
        guard let stored else {
            if case .key(let key) = query, entries[key] == nil { entries[key] = Entry() }
            return
        }
        var session = stored.session
        if stored.unfinished != nil, entries[session.key] == nil { session.countLoss(policy, at: now) }
        publish(session)
    }

    /// Makes a durable session the one that everybody gets. An older generation than what is known changes nothing.
    package mutating func publish(_ session: Session) {
        var entry = entries[session.key] ?? Entry()
        if let known = entry.session {
            guard session.generation >= known.generation else { return }
            for old in known.superseded { lineage[old.hash] = nil }
            lineage[hasher.hash(known.token)] = nil
        }
        entry.session = session
        entries[session.key] = entry
        for old in session.superseded { lineage[old.hash] = session.key }
        lineage[hasher.hash(session.token)] = session.key
    }

    /// The attempt is over, whatever came of it.
    package mutating func ended(_ intent: RotationIntent) {
        guard entries[intent.key]?.intent?.attempt == intent.attempt else { return }
        entries[intent.key]?.intent = nil
        if entries[intent.key]?.session == nil, case .anonymous = intent.key { entries[intent.key] = nil }
    }

    /// An app has asked for the session without a decision about it.
    mutating func used(_ key: SessionKey, at now: Timestamp) { entries[key]?.usedAt = now }

    /// Every session that an app has asked for and that no attempt is in the air for.
    func eachIdle(_ body: (Session, _ usedAt: Timestamp) -> Void) {
        for entry in entries.values where entry.intent == nil {
            if let session = entry.session, let usedAt = entry.usedAt { body(session, usedAt) }
        }
    }

    /// Forgets a session and its lineage.
    package mutating func forget(_ key: SessionKey) {
        guard let session = entries[key]?.session else { return }
        for old in session.superseded { lineage[old.hash] = nil }
        lineage[hasher.hash(session.token)] = nil
        entries[key]?.session = nil
    }
}

/// By what is known; the settings never change.
extension SessionLedger: Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        left.entries == right.entries && left.lineage == right.lineage
    }
    package func hash(into hasher: inout Hasher) { hasher.combine(entries) }
}
