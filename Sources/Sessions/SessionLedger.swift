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
    /// The tenant asked to be left alone for this much longer.
    case resting(Duration)
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
    /// Another replica's attempt is running: look into the store now and then, and decide again.
    case watch(SessionKey)
    /// An answer was lost a moment ago: wait this long, then decide again.
    case settle(Duration)
}

/// The sessions in memory and the rules over them. It never waits, reads a clock or touches a store.
package struct SessionLedger: Sendable {
    /// What memory has the only copy of.
    package enum Unsaved: Sendable, Hashable { case rotation, login }

    let policy: RotationPolicy
    let hasher: TokenHasher
    /// Of this process's attempts, the upper half of the name.
    let process: UInt64
    var table: SessionTable
    private var inTheAir: [SessionKey: RotationIntent] = [:]
    /// Until when the tenant asked to be left alone.
    private var resting: [SessionKey: Timestamp] = [:]
    package internal(set) var unsaved: [SessionKey: Unsaved] = [:]
    var others: OtherProcesses

    /// - Parameter isShared: whether others write to the store; until news of them come, memory may be out of date.
    package init(policy: RotationPolicy, hasher: TokenHasher, process: UInt64, isShared: Bool = false) {
        (self.policy, self.hasher, self.process) = (policy, hasher, process)
        others = OtherProcesses(isShared: isShared)
        table = SessionTable(hasher: hasher, limit: policy.memoryLimit)
    }

    package var count: Int { table.count }
    var tally: SessionTally { table.tally }
    var countInTheAir: Int { inTheAir.count }
    package func session(_ key: SessionKey) -> Session? { table[key] }
    func isKnown(_ key: SessionKey) -> Bool { table.contains(key) }
    func attempt(_ key: SessionKey) -> RotationIntent? { inTheAir[key] }
    package func owner(of hash: TokenHash) -> SessionKey? { table.owner(of: hash) }

    // MARK: questions

    /// Decides what a claim gets.
    /// - Parameters:
    ///   - read: what the store has said while this claim was being decided.
    ///   - rotationTried: a rotation before this call has just failed; do not ask for another.
    ///   - isUse: whether it counts as use; refreshes that no app asked for never do.
    ///   - attempt: the name for an attempt, should one start.
    package mutating func decide(
        _ claim: SessionClaim, for purpose: SessionPurpose, read: StoreAnswers = [:], rotationTried: Bool = false,
        isUse: Bool = true, attempt: AttemptID, at now: Timestamp
    ) -> SessionDecision {
        switch locate(claim, read: read) {
        case .unread(let query): return .load(query)
        case .refused(let refusal): return .refuse(refusal)
        case .found(let place):
            if let refusal = refusal(place, at: now) { return .refuse(refusal) }
            if isUse, purpose != .keepFresh, let position = place.position { table.used(at: position, now) }
            if let intent = inTheAir[place.key] {
                let shares = (purpose == .refresh || purpose == .keepFresh) && intent.isShared
                return shares ? .join(intent.attempt) : .wait(intent.attempt)
            }
            if isRunningAbroad(place.key) { return .watch(place.key) }
            return decideIdle(place, purpose, rotationTried, attempt, now)
        }
    }

    private func refusal(_ place: SessionPlace, at now: Timestamp) -> SessionRefusal? {
        if case .superseded(let at) = place.presented, now - at >= policy.grace { return .superseded }
        guard let position = place.position, table.isDead(at: position),
            case .dead(let death) = table.session(at: position).state
        else { return nil }
        return .dead(death)
    }

    private mutating func decideIdle(
        _ place: SessionPlace, _ purpose: SessionPurpose, _ rotationTried: Bool, _ attempt: AttemptID, _ now: Timestamp
    ) -> SessionDecision {
        guard let session = place.position.map({ table.session(at: $0) }) else {
            guard case .foreign(let token) = place.presented else { return .refuse(.unknown) }
            if purpose == .use { return .useForeign(token, key: place.owner) }
            return start(presented(token, place, at: now), place.owner, purpose, attempt)
        }
        switch purpose {
        case .refresh where place.presented != .newest && session.state == .live: return .replay(session)
        case .refresh, .keepFresh:
            let fresh = now - session.rotatedAt < policy.minimumInterval && session.state == .live
            return fresh && session.remaining(at: now) > .zero
                ? .replay(session) : present(session, place.owner, .refresh, attempt, now)
        case .exchange: return present(session, place.owner, purpose, attempt, now)
        case .use:
            let wanting = session.remaining(at: now) < policy.refreshAhead || session.state != .live
            if !wanting || rotationTried { return .use(session) }
            let decision = present(session, place.owner, .refresh, attempt, now)
            if case .refuse(.resting) = decision, session.remaining(at: now) > .zero { return .use(session) }
            return decision
        }
    }

    /// The session that a token from elsewhere may turn out to be.
    private func presented(_ token: SessionToken, _ place: SessionPlace, at now: Timestamp) -> Session {
        Session(
            key: place.key, token: token, generation: 0, expiresAt: now + policy.assumedLife, rotatedAt: now,
            fingerprint: table[place.owner]?.fingerprint)
    }

    /// Presents the session's own token; after a lost answer not before the tenant has settled.
    private mutating func present(
        _ session: Session, _ owner: SessionKey, _ purpose: SessionPurpose, _ attempt: AttemptID, _ now: Timestamp
    ) -> SessionDecision {
        // A wall clock that was set back must not make either of these longer.
        if let until = resting[session.key] {
            let left = min(until - now, policy.longestRest)
            if left > .zero { return .refuse(.resting(left)) }
        }
        if case .unknown(let since) = session.state {
            let left = min(since + policy.settle - now, policy.settle)
            if left > .zero { return .settle(left) }
        }
        return start(session, owner, purpose, attempt)
    }

    private mutating func start(
        _ session: Session, _ owner: SessionKey, _ purpose: SessionPurpose, _ attempt: AttemptID
    ) -> SessionDecision {
        let intent = RotationIntent(
            attempt: attempt, session: session, tokenHash: table.tokenHash(of: session), owner: owner,
            isShared: purpose != .exchange, takesOver: others.attempts[session.key]?.attempt, limit: policy.attemptLimit
        )
        inTheAir[session.key] = intent
        return .start(intent)
    }

    // MARK: events

    /// The intent is durable. The attempt that it took over is counted in it.
    package mutating func granted(_ intent: RotationIntent) {
        others.attempts[intent.key] = nil
        resting[intent.key] = nil
    }

    /// The store holds another process's attempt.
    package mutating func held(_ intent: RotationIntent, by unfinished: UnfinishedAttempt, at now: Timestamp) {
        if table[intent.key] == nil, intent.generation == 0 { publish(intent.session) }
        note(unfinished, of: intent.key, at: now)
    }

    /// Makes a durable session the one that everybody gets. One that knows less than what is known changes nothing.
    /// - Parameter hash: of its token, where that is known.
    package mutating func publish(_ session: Session, _ hash: TokenHash? = nil) {
        guard table.put(session, hash, epoch: others.lastEpoch) else { return }
        let (inTheAir, unsaved) = (inTheAir, unsaved)
        for key in table.tooMany(keeping: { inTheAir[$0] != nil || unsaved[$0] != nil }) { forget(key) }
    }

    /// An attempt's success, filed under its owner from now on.
    /// - Parameter hash: of its token, where that is known.
    package mutating func succeeded(_ intent: RotationIntent, as session: Session, _ hash: TokenHash? = nil) {
        if session.key != intent.key { forget(intent.key) }
        publish(session, hash)
    }

    /// The attempt is over, whatever came of it.
    package mutating func ended(_ intent: RotationIntent) {
        if inTheAir[intent.key]?.attempt == intent.attempt { inTheAir[intent.key] = nil }
    }

    /// The tenant asked to be left alone.
    mutating func rest(_ key: SessionKey, until: Timestamp) { resting[key] = until }

    /// Memory has the only copy of a session from now on; it is not evicted before it is saved.
    package mutating func keep(_ session: Session, unsaved reason: Unsaved) {
        publish(session)
        // A login stays one, whatever is pinned to it afterwards.
        if unsaved[session.key] != .login { unsaved[session.key] = reason }
    }

    /// The store was given what only memory had. If it had something else already, a login is the newer one, a rotation not.
    package mutating func saved(_ session: Session, _ outcome: CommitOutcome, at now: Timestamp) {
        let key = session.key
        switch outcome {
        case .committed, .fenced(nil):
            // What was published since is waiting still.
            if table[key] == session { unsaved[key] = nil }
        case .fenced(let newer?) where unsaved[key] == .login && newer.token != session.token:
            var next = newer.succeeded(
                by: session.token, hash: hasher.hash(newer.token), expiresAt: session.expiresAt,
                fingerprint: session.fingerprint, at: now)
            next.state = session.state
            keep(next, unsaved: .login)
        case .fenced(let newer?):
            publish(newer)
            unsaved[key] = nil
        }
    }

    /// The store has removed the session. One that is being rotated just now is found missing by that rotation.
    mutating func swept(_ key: SessionKey) {
        if inTheAir[key] == nil { forget(key) }
    }

    /// Forgets a session and its lineage.
    package mutating func forget(_ key: SessionKey) {
        table.remove(key)
        (others.attempts[key], resting[key], unsaved[key]) = (nil, nil, nil)
    }

    /// Every session that an app has asked for and that no attempt is in the air for.
    /// - Parameter isWanted: told when a session ends, when its token was given out, and when it was asked for.
    func eachIdle(where isWanted: (Timestamp, Timestamp, Timestamp) -> Bool, _ body: (Session) -> Void) {
        table.eachUsed(where: isWanted) { if inTheAir[$0.key] == nil { body($0) } }
    }
}

/// By what is known; the settings never change.
extension SessionLedger: Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        left.table == right.table && left.inTheAir == right.inTheAir && left.others == right.others
            && left.resting == right.resting && left.unsaved == right.unsaved
    }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(table)
        hasher.combine(inTheAir)
        hasher.combine(others)
    }
}
