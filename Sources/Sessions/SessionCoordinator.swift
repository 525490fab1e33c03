// Waits and does what the ledger decides: asks the store, presents tokens, tells those who wait.

package import Logging
package import Model
internal import NIOConcurrencyHelpers

/// What a call that wants the newest token gets.
package enum NewestSession: Sendable {
    case session(Session)
    /// Send this token as it came; `adopt` it for `key` if the tenant takes it.
    case foreign(SessionToken, key: SessionKey)
    case refused(SessionRefusal)
    /// A rotation is running and did not end in time; it goes on.
    case pending
    /// The rotation that had to come first failed and the old token has ended.
    case failed(RotationResult)
}

/// What a refresh gets.
package enum RefreshedSession: Sendable {
    /// `shared` when another caller's presentation brought the answer.
    case rotated(RotationResult, shared: Bool)
    /// The newest token is young enough; nothing was sent.
    case replay(Session)
    case refused(SessionRefusal)
    case pending
}

/// The one owner of the ledger. All waiting is here, no rule is.
package final class SessionCoordinator: Sendable {
    private struct State {
        var ledger: SessionLedger
        var flights: [AttemptID: RotationFlight] = [:]
        /// Sessions that the store could not take; memory has the only copy.
        var unsaved: Set<SessionKey> = []
        /// The process's part of every attempt's name is random, the rest counts.
        private var lastAttempt = AttemptID.random()

        init(ledger: SessionLedger) { self.ledger = ledger }

        mutating func nextAttempt() -> AttemptID {
            lastAttempt = AttemptID(high: lastAttempt.high, low: lastAttempt.low &+ 1)
            return lastAttempt
        }
    }

    private enum Step {
        case decided(SessionDecision)
        case started(RotationIntent, RotationFlight)
        case flight(RotationFlight, shared: Bool)
    }

    private let state: NIOLockedValueBox<State>
    private let store: any SessionStore
    private let clock: any WallClock
    private let policy: RotationPolicy
    private let logger: Logger

    package init(store: any SessionStore, clock: any WallClock, policy: RotationPolicy, logger: Logger) {
        (self.store, self.clock, self.policy, self.logger) = (store, clock, policy, logger)
        state = NIOLockedValueBox(
            State(ledger: SessionLedger(policy: policy, hasher: TokenHasher(key: store.keys.lineage))))
    }

    /// Whether every acknowledged token is on disk.
    package var isDurable: Bool { state.withLockedValue { $0.unsaved.isEmpty } }

    /// The session whose newest token a call has to carry, after a rotation if it is about to end.
    package func newest(for claim: SessionClaim, renewal: some SessionRenewal) async throws(StoreError) -> NewestSession
    {
        let started = ContinuousClock.now
        var read: Set<StoreQuery> = []
        var failure: RotationResult?
        while true {
            switch step(claim, .use, read, rotationTried: failure != nil) {
            case .decided(.load(let query)): try await load(query, &read)
            case .decided(.refuse(let refusal)): return .refused(refusal)
            case .decided(.useForeign(let token, let key)): return .foreign(token, key: key)
            case .decided(.use(let session)):
                guard let failure, session.remaining(at: clock.now()) <= .zero else { return .session(session) }
                return .failed(failure)
            case .started(let intent, let flight):
                launch(intent, flight, renewal)
                guard let result = await flight.result(within: patience(since: started)) else { return .pending }
                failure = result.failure
            case .flight(let flight, _):
                guard let result = await flight.result(within: patience(since: started)) else { return .pending }
                failure = result.failure
            case .decided: return .refused(.unknown)
            }
        }
    }

    /// One rotation for everybody who asks, or the newest token when the presented one was replaced a short while ago.
    package func refresh(for claim: SessionClaim, renewal: some SessionRenewal) async throws(StoreError)
        -> RefreshedSession
    {
        let started = ContinuousClock.now
        var read: Set<StoreQuery> = []
        while true {
            switch step(claim, .refresh, read, rotationTried: false) {
            case .decided(.load(let query)): try await load(query, &read)
            case .decided(.refuse(let refusal)): return .refused(refusal)
            case .decided(.replay(let session)): return .replay(session)
            case .started(let intent, let flight):
                launch(intent, flight, renewal)
                guard let result = await flight.result(within: patience(since: started)) else { return .pending }
                return .rotated(result, shared: false)
            case .flight(let flight, let shared):
                guard let result = await flight.result(within: patience(since: started)) else { return .pending }
                if shared { return .rotated(result, shared: true) }
            case .decided: return .refused(.unknown)
            }
        }
    }

    private func patience(since started: ContinuousClock.Instant) -> Duration {
        policy.refreshWait - (ContinuousClock.now - started)
    }

    /// One decision, and the flight that belongs to it, under one lock.
    private func step(
        _ claim: SessionClaim, _ purpose: SessionPurpose, _ read: Set<StoreQuery>, rotationTried: Bool
    ) -> Step {
        state.withLockedValue { state in
            let decision = state.ledger.decide(
                claim, for: purpose, read: read, rotationTried: rotationTried, attempt: state.nextAttempt(),
                at: clock.now())
            switch decision {
            case .start(let intent):
                let flight = RotationFlight()
                state.flights[intent.attempt] = flight
                return .started(intent, flight)
            case .join(let attempt):
                return state.flights[attempt].map { .flight($0, shared: true) } ?? .decided(decision)
            case .wait(let attempt):
                return state.flights[attempt].map { .flight($0, shared: false) } ?? .decided(decision)
            default: return .decided(decision)
            }
        }
    }

    private func load(_ query: StoreQuery, _ read: inout Set<StoreQuery>) async throws(StoreError) {
        let stored: StoredSession?
        switch query {
        case .key(let key): stored = try await store.load(key)
        case .token(let hash): stored = try await store.find(hash)
        }
        read.insert(query)
        state.withLockedValue { $0.ledger.loaded(stored, for: query) }
    }

    // MARK: one attempt, from its intent to its answer

    /// The attempt belongs to nobody who waits for it: it ends by its own deadline (contract 7.3).
    private func launch(_ intent: RotationIntent, _ flight: RotationFlight, _ renewal: some SessionRenewal) {
        Task {
            let result = await attempt(intent, renewal)
            state.withLockedValue { state in
                state.ledger.ended(intent)
                state.flights[intent.attempt] = nil
            }
            flight.deliver(result)
        }
    }

    private func attempt(_ intent: RotationIntent, _ renewal: some SessionRenewal) async -> RotationResult {
        do {
            try await saveFirst(intent.key)
            if case .moved(let newer) = try await store.begin(intent) { return moved(to: newer) }
        } catch {
            logger.error("a rotation was not begun: the store failed", metadata: ["error": "\(error)"])
            return .storeFailed(error)
        }
        let outcome = await renewal.renew(
            Presentation(token: intent.token, session: intent.session, key: intent.key))
        let now = clock.now()
        switch state.withLockedValue({ $0.ledger.settle(intent, outcome, at: now) }) {
        case .abandon:
            await abandon(intent)
            return result(of: outcome, nil)
        case .commit(let session):
            return await commit(session, intent, outcome)
        }
    }

    private func commit(_ session: Session, _ intent: RotationIntent, _ outcome: RenewalOutcome) async -> RotationResult
    {
        do {
            let hash = state.withLockedValue { $0.ledger.hasher.hash(session.token) }
            switch try await store.commit(session, tokenHash: hash, attempt: intent.attempt) {
            case .fenced(let newer): return moved(to: newer)
            case .committed: state.withLockedValue { $0.ledger.publish(session) }
            }
        } catch {
            logger.error(
                "a new session token could not be stored; it is kept in memory", metadata: ["error": "\(error)"])
            keepUntilSaved(session)
        }
        return result(of: outcome, session)
    }

    private func abandon(_ intent: RotationIntent) async {
        do { try await store.abandon(intent.key, attempt: intent.attempt) } catch {
            logger.warning("an intent could not be cleared", metadata: ["error": "\(error)"])
        }
    }

    private func moved(to newer: Session?) -> RotationResult {
        guard let newer else { return .storeFailed(.failed(operation: "begin", code: 0)) }
        return .moved(
            state.withLockedValue { state in
                state.ledger.publish(newer)
                return state.ledger.session(newer.key) ?? newer
            })
    }

    /// A token that only memory has is made durable before the next one is asked for.
    private func saveFirst(_ key: SessionKey) async throws(StoreError) {
        let waiting: (Session, TokenHash)? = state.withLockedValue { state in
            guard state.unsaved.contains(key), let session = state.ledger.session(key) else { return nil }
            return (session, state.ledger.hasher.hash(session.token))
        }
        guard let (session, hash) = waiting else { return }
        let outcome = try await store.save(session, tokenHash: hash)
        state.withLockedValue { state in
            if case .fenced(let newer?) = outcome { state.ledger.publish(newer) }
            if state.ledger.session(key) == session || session.generation < state.ledger.session(key)?.generation ?? 0 {
                state.unsaved.remove(key)
            }
        }
    }

    private func result(of outcome: RenewalOutcome, _ session: Session?) -> RotationResult {
        switch outcome {
        case .renewed(_, let answer): session.map { .renewed($0, answer: answer) } ?? .failed(answer: answer)
        case .rejected(let answer), .refused(let answer): .refused(answer: answer)
        case .notSent(let fault): .fault(fault)
        case .lost(let answer, let fault):
            if session?.state == .dead(.lost) {
                .sessionLost
            } else if let answer {
                .failed(answer: answer)
            } else {
                .fault(fault ?? .unreadableAnswer)
            }
        }
    }

    /// Contract 7.9: memory holds the only copy of what the tenant gave out, until the store takes it.
    private func keepUntilSaved(_ session: Session) {
        state.withLockedValue { state in
            state.ledger.publish(session)
            state.unsaved.insert(session.key)
        }
        Task {
            var pause = Duration.milliseconds(250)
            while (try? await saveFirst(session.key)) == nil {
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(10))
            }
        }
    }

    // MARK: what is learned beside rotations

    /// Makes a token from an answer or a hand-over the session's newest; durable when it returns.
    /// - Returns: the session as it is now; nil when there is none and the token is another user's.
    @discardableResult
    package func learn(_ renewed: RenewedToken, for key: SessionKey, isLogin: Bool) async throws(StoreError) -> Session?
    {
        var read: Set<StoreQuery> = []
        if state.withLockedValue({ !$0.ledger.isKnown(key) }) { try await load(.key(key), &read) }
        let hash = state.withLockedValue { $0.ledger.hasher.hash(renewed.token) }
        if state.withLockedValue({ $0.ledger.owner(of: hash) == nil }) { try await load(.token(hash), &read) }
        while true {
            let now = clock.now()
            guard
                let session = state.withLockedValue({ $0.ledger.learned(renewed, for: key, isLogin: isLogin, at: now) })
            else { return state.withLockedValue { $0.ledger.session(key) } }
            switch try await store.save(session, tokenHash: hash) {
            case .committed, .fenced(nil):
                state.withLockedValue { $0.ledger.publish(session) }
                return session
            case .fenced(.some(let newer)):
                state.withLockedValue { $0.ledger.publish(newer) }
                if newer.token == session.token { return newer }
            }
        }
    }

    /// The tenant refused a token as dead on a call that does not rotate (contract 7.5).
    /// - Returns: a newer session to try once; nil when the refusal was of the newest token: the session is dead then.
    package func refused(_ session: Session, _ refusal: Session.Refusal) async throws(StoreError) -> Session? {
        // A rotation in the air may have consumed the token: only its end tells.
        let flight = state.withLockedValue { state in
            state.ledger.attempt(session.key).flatMap { state.flights[$0.attempt] }
        }
        if let flight, await flight.result(within: policy.refreshWait) == nil { return nil }
        let known: Session? = state.withLockedValue { $0.ledger.session(session.key) }
        guard let known else { return nil }
        if known.generation > session.generation { return known }
        guard known.state == .live else { return nil }
        var dead = known
        dead.state = .dead(.rejected(refusal))
        let hash = state.withLockedValue { $0.ledger.hasher.hash(dead.token) }
        if case .fenced(let newer?) = try await store.save(dead, tokenHash: hash) {
            state.withLockedValue { $0.ledger.publish(newer) }
            return newer.generation > session.generation ? newer : nil
        }
        state.withLockedValue { $0.ledger.publish(dead) }
        return nil
    }

    /// Pins a fingerprint to a session that has none yet; durable when it returns.
    package func pin(_ fingerprint: DeviceFingerprint, to session: Session) async throws(StoreError) {
        let life = max(session.remaining(at: clock.now()), .zero)
        try await learn(
            RenewedToken(token: session.token, life: life, fingerprint: fingerprint), for: session.key, isLogin: false)
    }

    /// The session of a user that is not in a request: the local API.
    package func session(_ key: SessionKey) async throws(StoreError) -> Session? {
        if state.withLockedValue({ !$0.ledger.isKnown(key) }) {
            var read: Set<StoreQuery> = []
            try await load(.key(key), &read)
        }
        return state.withLockedValue { $0.ledger.session(key) }
    }

    /// The session whose lineage a claim is of; nil for a token from elsewhere and where there is none.
    package func session(of claim: SessionClaim) async throws(StoreError) -> Session? {
        var read: Set<StoreQuery> = []
        while true {
            let (location, session): (TokenLocation, Session?) = state.withLockedValue { state in
                let location = state.ledger.locate(claim, read: read)
                guard case .found(let key, let presented) = location, !presented.isForeign else {
                    return (location, nil)
                }
                return (location, state.ledger.session(key))
            }
            guard case .unread(let query) = location else { return session }
            try await load(query, &read)
        }
    }

    /// The key of a session that is known only by a token of its own.
    package func anonymousKey(for token: SessionToken) -> SessionKey {
        .anonymous(state.withLockedValue { $0.ledger.hasher.hash(token) })
    }

    /// Returns when no attempt is in the air. New ones may still start; the caller has stopped taking requests.
    package func drain() async {
        while let flight = state.withLockedValue({ $0.flights.values.first }) {
            _ = await flight.result(within: .seconds(60))
        }
    }
}

extension RotationResult {
    /// Nil for the results that leave a live session behind.
    fileprivate var failure: RotationResult? {
        switch self {
        case .renewed, .moved: nil
        default: self
        }
    }
}
