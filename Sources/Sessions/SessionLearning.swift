// What becomes of a session beside rotations: learned from answers, pinned, refused.

internal import Logging
package import Model
internal import NIOConcurrencyHelpers

extension SessionCoordinator {
    /// Makes a token from an answer the session's newest. Durable when it returns; if the store does not take it, memory keeps it
    /// until it does: the tenant gave it out, and there is no other copy.
    /// - Returns: the session as it is now; nil when the token is another user's.
    @discardableResult
    package func learn(_ renewed: RenewedToken, for key: SessionKey, isLogin: Bool) async -> Session? {
        do { return try await take(renewed, for: key, isLogin: isLogin) } catch {
            logger.error(
                "a session token could not be stored; it is kept in memory", metadata: ["error": "\(error)"])
            let now = clock.now()
            let session = state.withLockedValue { state in
                state.ledger.learned(renewed, for: key, isLogin: isLogin, at: now)
            }
            guard let session else { return state.withLockedValue { $0.ledger.session(key) } }
            noteIDToken(renewed, for: key, isLogin: isLogin)
            keepUntilSaved(session, isLogin ? .login : .rotation)
            watchStore()
            return session
        }
    }

    /// Makes a token that an app hands over the session's newest; durable when it returns.
    /// - Returns: the session as it is now; nil when the token is another user's.
    package func take(_ renewed: RenewedToken, for key: SessionKey, isLogin: Bool) async throws(StoreError) -> Session?
    {
        var read: StoreAnswers = [:]
        if state.withLockedValue({ $0.ledger.current(key) == nil }) { try await load(.key(key), &read) }
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
                noteIDToken(renewed, for: key, isLogin: isLogin)
                return session
            case .fenced(.some(let newer)):
                state.withLockedValue { $0.ledger.publish(newer) }
                guard newer.token == session.token else { continue }
                noteIDToken(renewed, for: key, isLogin: isLogin)
                return newer
            }
        }
    }

    /// The tenant refused a token as dead on a call that does not rotate (contract 7.5).
    /// - Returns: a newer session to try once; nil when the refusal was of the newest token: the session is dead then.
    package func refused(_ session: Session, _ answer: WholeResponse) async -> Session? {
        // A rotation in the air may have consumed the token: only its end tells.
        let flight = state.withLockedValue { state in
            state.ledger.attempt(session.key).flatMap { state.flights[$0.attempt] }
        }
        if let flight, await flight.result(within: policy.refreshWait) == nil { return nil }
        // So may another replica's.
        let started = ContinuousClock.now
        while state.withLockedValue({ $0.ledger.isRunningAbroad(session.key) }) {
            guard (try? await watch(session.key, since: started)) == true else { return nil }
        }
        let known: Session? = state.withLockedValue { $0.ledger.session(session.key) }
        guard let known else { return nil }
        if known.generation > session.generation { return known }
        guard known.state == .live else { return nil }
        var dead = known
        dead.countRejection(answer, at: clock.now())
        let hash = state.withLockedValue { $0.ledger.hasher.hash(dead.token) }
        do {
            if case .fenced(let newer?) = try await store.save(dead, tokenHash: hash) {
                state.withLockedValue { $0.ledger.publish(newer) }
                return newer.generation > session.generation ? newer : nil
            }
            state.withLockedValue { $0.ledger.publish(dead) }
        } catch {
            keepUntilSaved(dead, .rotation)
            watchStore()
        }
        return nil
    }

    /// Pins a fingerprint to a session that has none yet.
    package func pin(_ fingerprint: DeviceFingerprint, to session: Session) async {
        let life = max(session.remaining(at: clock.now()), .zero)
        await learn(
            RenewedToken(token: session.token, life: life, fingerprint: fingerprint), for: session.key, isLogin: false)
    }

    /// The sessions that the background should refresh now, at most `most`.
    package func due(idle: Duration, most: Int, resting: Set<SessionKey>) -> [Session] {
        state.withLockedValue { $0.ledger.due(idle: idle, most: most, resting: resting, at: clock.now()) }
    }

    /// The session of a user that is not in a request: the local API.
    package func session(_ key: SessionKey) async throws(StoreError) -> Session? {
        let now = clock.now()
        if let session = state.withLockedValue({ $0.ledger.recall(key, mustBeCurrent: true, at: now) }) {
            return session
        }
        var read: StoreAnswers = [:]
        try await load(.key(key), &read)
        return state.withLockedValue { $0.ledger.recall(key, mustBeCurrent: false, at: now) }
    }

    /// The session whose lineage a claim is of; nil for a token from elsewhere and where there is none.
    package func session(of claim: SessionClaim) async throws(StoreError) -> Session? {
        var read: StoreAnswers = [:]
        while true {
            let (location, session): (TokenLocation, Session?) = state.withLockedValue { state in
                let location = state.ledger.locate(claim, read: read)
                guard case .found(let place) = location else { return (location, nil) }
                return (location, state.ledger.session(place.key))
            }
            guard case .unread(let query) = location else { return session }
            try await load(query, &read)
        }
    }

    /// Whether a rotation is in the air, and how the last one failed.
    package func rotation(of key: SessionKey) -> (isRunning: Bool, failure: RotationFailure?) {
        state.withLockedValue { ($0.ledger.attempt(key) != nil, $0.failures[key]) }
    }

    /// Forgets a user's session and everything that finds it; durable when it returns.
    package func forget(_ key: SessionKey) async throws(StoreError) {
        try await store.forget(key)
        state.withLockedValue { state in
            state.ledger.forget(key)
            state.failures[key] = nil
            state.idTokens.forget(key)
        }
    }

    /// What a claim would get just now; nothing is begun and nothing counts as use.
    package func preview(_ claim: SessionClaim, for purpose: SessionPurpose) async throws(StoreError) -> SessionDecision
    {
        var read: StoreAnswers = [:]
        while true {
            let decision = state.withLockedValue { state in
                var ledger = state.ledger
                let name = AttemptID(high: 0, low: 0)
                return ledger.decide(
                    claim, for: purpose, read: read, isUse: false, attempt: name, at: clock.now())
            }
            guard case .load(let query) = decision else { return decision }
            try await load(query, &read)
        }
    }

    /// Removes the sessions that ended a day ago, and those above `limit`, from store and memory.
    package func sweep(limit: Int) async throws(StoreError) {
        while !Task.isCancelled {
            let removed = try await store.sweep(endedBefore: clock.now() - .seconds(86_400), limit: limit)
            state.withLockedValue { state in for key in removed { state.ledger.swept(key) } }
            if removed.isEmpty { return }
            logger.info("sessions were removed from the store", metadata: ["count": "\(removed.count)"])
        }
    }

    /// Sweeps every minute until it is cancelled. What a failing store does not remove now, it does later.
    package func keepSwept(limit: Int) async {
        while !Task.isCancelled {
            do { try await sweep(limit: limit) } catch {
                logger.warning("old sessions could not be removed", metadata: ["error": "\(error)"])
            }
            await clock.sleep(for: .seconds(60))
        }
    }

    /// The key of a session that is known only by a token of its own.
    package func anonymousKey(for token: SessionToken) -> SessionKey {
        .anonymous(state.withLockedValue { $0.ledger.hasher.hash(token) })
    }
}
