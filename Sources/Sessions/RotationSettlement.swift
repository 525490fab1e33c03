// What the end of an attempt, or a token seen in an answer, means for the session.

package import Model

/// What has to be made durable before anybody is told.
package enum RotationSettlement: Sendable {
    /// This session replaces the old one, if the attempt still holds.
    case commit(Session)
    /// Nothing changed; the intent is cleared.
    case abandon
}

extension Session {
    /// Counts a presentation whose answer never came: one may be probed, two end the session (contract 7.7).
    /// - Parameter now: a moment at which the lost attempt is certainly over.
    mutating func countLoss(_ policy: RotationPolicy, at now: Timestamp) {
        switch state {
        case .live: state = policy.lostAnswer == .probe ? .unknown(since: now) : .dead(.lost)
        case .unknown: state = .dead(.lost)
        case .dead: break
        }
    }

    /// The tenant says that the token is dead. After a lost answer that means that it had been rotated, and the new one is lost.
    mutating func countRejection(_ answer: WholeResponse) {
        if case .unknown = state {
            state = .dead(.lost)
        } else {
            state = .dead(
                .rejected(
                    Session.Refusal(
                        status: answer.status, contentType: Array(answer.fields.first(.contentType) ?? []),
                        body: answer.body)))
        }
    }

    /// The session after the tenant gave out `token`.
    func succeeded(
        by token: SessionToken, hash: TokenHash, expiresAt: Timestamp, fingerprint: DeviceFingerprint?,
        at now: Timestamp
    ) -> Session {
        var next = self
        next.state = .live
        next.expiresAt = expiresAt
        next.fingerprint = fingerprint ?? self.fingerprint
        guard token != self.token else { return next }
        next.token = token
        next.generation += 1
        next.rotatedAt = now
        next.superseded.append(Superseded(hash: hash, at: now))
        next.superseded.removeFirst(max(0, next.superseded.count - Session.lineageLimit))
        return next
    }
}

extension SessionLedger {
    /// What an attempt's outcome is to leave in the store. Changes nothing by itself: `publish` does, once it is durable.
    package func settle(_ intent: RotationIntent, _ outcome: RenewalOutcome, at now: Timestamp) -> RotationSettlement {
        // What was learned meanwhile without a new generation (a pin) is in memory; a new generation fences this attempt off.
        let known = session(intent.key) ?? intent.session
        let ownToken = known?.token == intent.token
        switch outcome {
        case .renewed(let renewed, _):
            return .commit(next(intent.key, known, presented: intent.token, renewed, at: now))
        case .rejected(let answer):
            guard ownToken, var session = known else { return .abandon }
            session.countRejection(answer)
            return .commit(session)
        case .refused, .notSent:
            return .abandon
        case .lost:
            if ownToken, var session = known {
                session.countLoss(policy, at: now)
                return .commit(session)
            }
            guard known == nil else { return .abandon }
            var first = Session(
                key: intent.key, token: intent.token, generation: 1, expiresAt: now + policy.assumedLife,
                rotatedAt: now, fingerprint: nil)
            first.countLoss(policy, at: now)
            return .commit(first)
        }
    }

    /// What a token seen in an answer (a login, a hand-over, a ticket bought with a token from elsewhere) makes of the session.
    /// Nil when it changes nothing: the token is an old one, or another user's.
    /// - Parameter isLogin: re-pins the fingerprint (contract 5).
    package func learned(_ renewed: RenewedToken, for key: SessionKey, isLogin: Bool, at now: Timestamp) -> Session? {
        let hash = hasher.hash(renewed.token)
        if let owner = owner(of: hash), owner != key { return nil }
        let known = session(key)
        if known?.superseded.contains(where: { $0.hash == hash }) == true { return nil }
        let next = next(key, known, presented: known?.token, renewed, at: now)
        return next == known && !isLogin ? nil : next
    }

    private func next(
        _ key: SessionKey, _ known: Session?, presented: SessionToken?, _ renewed: RenewedToken, at now: Timestamp
    ) -> Session {
        let life =
            renewed.life ?? known.map { min(max($0.expiresAt - $0.rotatedAt, .zero), policy.assumedLife) }
            ?? policy.assumedLife
        let expiresAt = now + life
        if let known {
            var next = known.succeeded(
                by: renewed.token, hash: hasher.hash(known.token), expiresAt: expiresAt,
                fingerprint: renewed.fingerprint, at: now)
            if let presented, presented != known.token, presented != renewed.token {
                next.remember(hasher.hash(presented), at: now)
            }
            return next
        }
        var first = Session(
            key: key, token: renewed.token, generation: 1, expiresAt: expiresAt, rotatedAt: now,
            fingerprint: renewed.fingerprint)
        if let presented, presented != renewed.token { first.remember(hasher.hash(presented), at: now) }
        return first
    }
}

extension Session {
    /// Adds a token to the lineage that was never the newest here: it was presented from elsewhere.
    fileprivate mutating func remember(_ hash: TokenHash, at now: Timestamp) {
        superseded.append(Superseded(hash: hash, at: now))
        superseded.removeFirst(max(0, superseded.count - Session.lineageLimit))
    }
}
