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
        case .live where policy.lostAnswer == .probe: state = .unknown(since: now)
        case .live, .unknown: die(.lost, at: now)
        case .dead: break
        }
    }

    /// A dead session's token has ended, whatever the tenant had said.
    mutating func die(_ death: Death, at now: Timestamp) {
        state = .dead(death)
        expiresAt = min(expiresAt, now)
    }

    /// The tenant says that the token is dead. After a lost answer that means that it had been rotated, and the new one is lost.
    mutating func countRejection(_ answer: WholeResponse, at now: Timestamp) {
        if case .unknown = state { return die(.lost, at: now) }
        let type = Array(answer.fields.first(.contentType) ?? [])
        die(.rejected(Refusal(status: answer.status, contentType: type, body: answer.body)), at: now)
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
        // The same token again is no rotation, but a dead one that lives again is more than a state that moved.
        if token == self.token {
            if state != .live { next.generation += 1 }
            return next
        }
        next.token = token
        next.generation += 1
        next.rotatedAt = now
        next.superseded.append(Superseded(hash: hash, at: now))
        next.superseded.removeFirst(max(0, next.superseded.count - Session.lineageLimit))
        return next
    }
}

extension SessionLedger {
    /// What an attempt's outcome is to leave in the store. Changes nothing by itself: `succeeded` does, once it is durable.
    package func settle(_ intent: RotationIntent, _ outcome: RenewalOutcome, at now: Timestamp) -> RotationSettlement {
        // What was learned meanwhile without a new generation (a pin) is in memory; a new generation fences this attempt off.
        var session = intent.session
        if let known = self.session(intent.key), !known.isBehind(session), known.token == intent.token {
            session.fingerprint = known.fingerprint
        }
        switch outcome {
        case .renewed(let renewed, _):
            return .commit(next(session, intent.owner, renewed, at: now))
        case .rejected where session.generation == 0 && session.state == .live:
            // Nothing was known of it, nothing is.
            return .abandon
        case .rejected(let answer):
            session.countRejection(answer, at: now)
        case .refused, .notSent:
            return .abandon
        case .lost:
            session.countLoss(policy, at: now)
        }
        return .commit(session)
    }

    /// What the tenant's `Retry-After` means for the next presentation: it does not begin before, and is not put off for good.
    package mutating func heed(_ outcome: RenewalOutcome, of intent: RotationIntent, at now: Timestamp) {
        guard let answer = outcome.failure, let value = answer.fields.first(.retryAfter) else { return }
        // A date is taken for a second.
        let wait = ASCII.decimal(ASCII.trimmed(value)).map { Duration.seconds($0) } ?? .seconds(1)
        rest(intent.key, until: now + min(wait, policy.longestRest))
    }

    /// What a token seen in an answer (a login, a hand-over, a ticket bought with a token from elsewhere) makes of the session.
    /// Nil when it changes nothing: the token is an old one, or another user's.
    /// - Parameter isLogin: re-pins the fingerprint (contract 5).
    package func learned(_ renewed: RenewedToken, for key: SessionKey, isLogin: Bool, at now: Timestamp) -> Session? {
        let hash = hasher.hash(renewed.token)
        if let owner = owner(of: hash), owner != key { return nil }
        guard let known = session(key) else {
            return Session(
                key: key, token: renewed.token, generation: 1, expiresAt: end(of: renewed, nil, at: now),
                rotatedAt: now, fingerprint: renewed.fingerprint)
        }
        if known.superseded.contains(where: { $0.hash == hash }) { return nil }
        let next = successor(of: known, renewed, at: now)
        return next == known && !isLogin ? nil : next
    }

    /// The session after its own token was rotated; filed under `owner` if it was a token from elsewhere.
    private func next(_ session: Session, _ owner: SessionKey, _ renewed: RenewedToken, at now: Timestamp) -> Session {
        guard owner != session.key else { return successor(of: session, renewed, at: now) }
        guard let known = self.session(owner) else {
            return successor(of: session.filed(under: owner), renewed, at: now)
        }
        var next = successor(of: known, renewed, at: now)
        if session.token != renewed.token { next.remember(hasher.hash(session.token), at: now) }
        return next
    }

    private func successor(of session: Session, _ renewed: RenewedToken, at now: Timestamp) -> Session {
        session.succeeded(
            by: renewed.token, hash: table.tokenHash(of: session), expiresAt: end(of: renewed, session, at: now),
            fingerprint: renewed.fingerprint, at: now)
    }

    /// When the new token ends. Without a word of the tenant its life is the old one's, at most twelve hours.
    private func end(of renewed: RenewedToken, _ known: Session?, at now: Timestamp) -> Timestamp {
        let before = known.map { min(max($0.expiresAt - $0.rotatedAt, .zero), policy.assumedLife) }
        return now + (renewed.life ?? before ?? policy.assumedLife)
    }
}

extension Session {
    /// Adds a token to the lineage that was never the newest here: it was presented from elsewhere.
    fileprivate mutating func remember(_ hash: TokenHash, at now: Timestamp) {
        superseded.append(Superseded(hash: hash, at: now))
        superseded.removeFirst(max(0, superseded.count - Session.lineageLimit))
    }

    fileprivate func filed(under key: SessionKey) -> Session {
        Session(
            key: key, token: token, generation: generation, expiresAt: expiresAt, rotatedAt: rotatedAt,
            fingerprint: fingerprint, state: state, superseded: superseded)
    }
}

extension RenewalOutcome {
    /// The tenant's answer when it is not a success.
    fileprivate var failure: WholeResponse? {
        switch self {
        case .rejected(let answer), .refused(let answer): answer
        case .lost(let answer, _): answer
        case .renewed, .notSent: nil
        }
    }
}
