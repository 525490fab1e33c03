// What becomes of a session beside rotations: learned from answers, pinned, refused, kept until the store takes it.

internal import Logging
package import Model
internal import NIOConcurrencyHelpers

extension SessionCoordinator {
    /// After a failed write: tries every second whether the store takes writes again.
    func watchStore() {
        let isWatched = state.withLockedValue { state in
            defer { state.storeFails = true }
            return state.storeFails
        }
        guard !isWatched else { return }
        Task {
            repeat { await clock.sleep(for: .seconds(1)) } while (try? await store.probe()) == nil
            state.withLockedValue { $0.storeFails = false }
            logger.notice("the store takes writes again")
        }
    }

    /// Contract 7.9: memory holds the only copy of what the tenant gave out, until the store takes it.
    func keepUntilSaved(_ session: Session) {
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

    /// A token that only memory has is made durable before the next one is asked for.
    func saveFirst(_ key: SessionKey) async throws(StoreError) {
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

    /// The sessions that the background should refresh now, at most `most`.
    package func due(idle: Duration, most: Int, resting: Set<SessionKey>) -> [Session] {
        state.withLockedValue { $0.ledger.due(idle: idle, most: most, resting: resting, at: clock.now()) }
    }

    /// The session of a user that is not in a request: the local API.
    package func session(_ key: SessionKey) async throws(StoreError) -> Session? {
        if state.withLockedValue({ !$0.ledger.isKnown(key) }) {
            var read: Set<StoreQuery> = []
            try await load(.key(key), &read)
        }
        return state.withLockedValue { state in
            state.ledger.used(key, at: clock.now())
            return state.ledger.session(key)
        }
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
}
