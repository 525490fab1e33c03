// One attempt, from its intent to its answer: what the coordinator does for it, and in which order.

internal import Logging
internal import Model
internal import NIOConcurrencyHelpers

extension SessionCoordinator {
    /// The attempt belongs to nobody who waits for it: it ends by its own deadline (contract 7.3).
    func launch(_ intent: RotationIntent, _ flight: RotationFlight, _ renewal: some SessionRenewal) {
        Task {
            let result = await attempt(intent, renewal)
            reached(.beforeAnswering)
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
            reached(.beforeIntent)
            if case .moved(let newer) = try await store.begin(intent) { return moved(to: newer) }
            reached(.afterIntent)
            state.withLockedValue { $0.storeFails = false }
        } catch {
            logger.error("a rotation was not begun: the store failed", metadata: ["error": "\(error)"])
            watchStore()
            return .storeFailed(error)
        }
        let outcome = await present(intent, renewal)
        reached(.afterAnswer)
        let now = clock.now()
        switch state.withLockedValue({ $0.ledger.settle(intent, outcome, at: now) }) {
        case .abandon:
            await abandon(intent)
            return result(of: outcome, nil)
        case .commit(let session):
            return await commit(session, intent, outcome)
        }
    }

    /// Presents the token. When certainly nothing was sent it is safe to try again.
    private func present(_ intent: RotationIntent, _ renewal: some SessionRenewal) async -> RenewalOutcome {
        let presentation = Presentation(token: intent.token, session: intent.session, key: intent.key)
        var outcome = await renewal.renew(presentation)
        for pause in policy.unsentPauses {
            guard case .notSent(.transport) = outcome else { break }
            await clock.sleep(for: pause)
            outcome = await renewal.renew(presentation)
        }
        return outcome
    }

    private func commit(_ session: Session, _ intent: RotationIntent, _ outcome: RenewalOutcome) async -> RotationResult
    {
        do {
            let hash = state.withLockedValue { $0.ledger.hasher.hash(session.token) }
            reached(.beforeCommit)
            switch try await store.commit(session, tokenHash: hash, attempt: intent.attempt) {
            case .fenced(let newer): return moved(to: newer)
            case .committed:
                reached(.afterCommit)
                state.withLockedValue { $0.ledger.publish(session) }
            }
        } catch {
            logger.error(
                "a new session token could not be stored; it is kept in memory", metadata: ["error": "\(error)"])
            keepUntilSaved(session)
            watchStore()
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

    /// What an outcome is to those who wait.
    /// - Parameter session: as it was committed; nil when the attempt changed nothing.
    private func result(of outcome: RenewalOutcome, _ session: Session?) -> RotationResult {
        switch (outcome, session?.state) {
        case (.renewed(_, let answer), _): session.map { .renewed($0, answer: answer) } ?? .failed(answer: answer)
        case (.rejected, .dead(.lost)), (.lost, .dead(.lost)): .sessionLost
        case (.rejected(let answer), _), (.refused(let answer), _): .refused(answer: answer)
        case (.notSent(let fault), _): .fault(fault)
        case (.lost(let answer, let fault), .unknown): .lost(answer: answer, fault ?? .unreadableAnswer)
        case (.lost(.some(let answer), _), _): .failed(answer: answer)
        case (.lost(nil, let fault), _): .fault(fault ?? .unreadableAnswer)
        }
    }
}
