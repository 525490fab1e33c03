// One attempt, from its intent to its answer: what the coordinator does for it, and in which order.

internal import Logging
internal import Model
internal import NIOConcurrencyHelpers
internal import Telemetry

extension SessionCoordinator {
    /// The attempt belongs to nobody who waits for it: it ends by its own deadline (contract 7.3).
    func launch(_ intent: RotationIntent, _ flight: RotationFlight, _ renewal: some SessionRenewal) {
        Task.immediate(executorPreference: executor) { [self] in
            let started = ContinuousClock.now
            let result = await attempt(intent, renewal)
            metrics.rotationEnded(result.end, after: ContinuousClock.now - started)
            reached(.beforeAnswering)
            state.withLockedValue { state in
                state.ledger.ended(intent)
                state.flights[intent.attempt] = nil
            }
            flight.deliver(result)
        }
    }

    private func attempt(_ intent: RotationIntent, _ renewal: some SessionRenewal) async -> RotationResult {
        // Counted from before the store counts it, so that no replica takes the attempt over while it may still send.
        let end = ContinuousClock.now + intent.limit
        do {
            try await saveFirst(intent.key)
            if intent.owner != intent.key { try await saveFirst(intent.owner) }
            reached(.beforeIntent)
            switch try await store.begin(intent) {
            case .granted:
                metrics.claimed(.held)
                state.withLockedValue { $0.ledger.granted(intent) }
            case .moved(let newer): return moved(intent, to: newer)
            case .held(let unfinished):
                metrics.claimed(.busy)
                state.withLockedValue { $0.ledger.held(intent, by: unfinished, at: clock.now()) }
                return .overtaken
            }
            reached(.afterIntent)
            state.withLockedValue { $0.storeFails = false }
        } catch {
            metrics.claimed(.broken)
            watchStore()
            guard policy.storeDown == .allow, store.isShared else {
                logger.error("a rotation was not begun: the store failed", metadata: ["error": "\(error)"])
                // Whether it has been written is not known: nothing will come of it.
                if store.isShared { state.withLockedValue { $0.givenUp.append(intent) } }
                return .storeFailed(error)
            }
            logger.warning("a rotation goes on without the store", metadata: ["error": "\(error)"])
        }
        let outcome = await present(intent, renewal, until: end)
        reached(.afterAnswer)
        let now = clock.now()
        let settlement = state.withLockedValue { state in
            state.note(outcome, of: intent.owner)
            state.ledger.heed(outcome, of: intent, at: now)
            return state.ledger.settle(intent, outcome, at: now)
        }
        switch settlement {
        case .abandon:
            await abandon(intent)
            return result(of: outcome, nil)
        case .commit(let session):
            return await commit(session, intent, outcome)
        }
    }

    /// Presents the token. When certainly nothing was sent it is safe to try again.
    private func present(
        _ intent: RotationIntent, _ renewal: some SessionRenewal, until end: ContinuousClock.Instant
    ) async -> RenewalOutcome {
        var outcome = await presentOnce(intent, renewal, until: end)
        for pause in policy.unsentPauses {
            guard case .notSent(.transport) = outcome else { break }
            await clock.sleep(for: pause)
            outcome = await presentOnce(intent, renewal, until: end)
        }
        return outcome
    }

    /// Nothing is sent after the end (the process may have been stopped meanwhile), and what was sent is cut off there.
    private func presentOnce(
        _ intent: RotationIntent, _ renewal: some SessionRenewal, until end: ContinuousClock.Instant
    ) async -> RenewalOutcome {
        guard ContinuousClock.now < end else { return .notSent(.outOfTime) }
        let presenting = Task.immediate(executorPreference: executor) {
            await renewal.renew(Presentation(token: intent.token, session: intent.session, key: intent.owner))
        }
        let deadline = deadlines.set(end) { presenting.cancel() }
        defer { deadlines.callOff(deadline) }
        return await presenting.value
    }

    /// - Parameter mayRepeat: whether it may be tried once more over what another write has left.
    private func commit(
        _ session: Session, _ intent: RotationIntent, _ outcome: RenewalOutcome, mayRepeat: Bool = true
    ) async -> RotationResult {
        do {
            let hash = state.withLockedValue { $0.ledger.hasher.hash(session.token) }
            reached(.beforeCommit)
            switch try await store.commit(session, tokenHash: hash, ending: intent) {
            case .fenced(let newer): return await fenced(intent, by: newer, outcome, mayRepeat)
            case .committed:
                reached(.afterCommit)
                state.withLockedValue { $0.ledger.succeeded(intent, as: session, hash) }
            }
        } catch {
            logger.error(
                "a new session token could not be stored; it is kept in memory", metadata: ["error": "\(error)"])
            state.withLockedValue { if session.key != intent.key { $0.ledger.forget(intent.key) } }
            keepUntilSaved(session, .rotation)
            watchStore()
        }
        if case .renewed(let renewed, _) = outcome { noteIDToken(renewed, for: session.key, isLogin: false) }
        return result(of: outcome, session)
    }

    /// Another write came first. A newer token stays; but a token that the tenant gave out is not thrown away because somebody
    /// held this attempt for lost, or wrote to the owner's session meanwhile.
    private func fenced(
        _ intent: RotationIntent, by newer: Session?, _ outcome: RenewalOutcome, _ mayRepeat: Bool
    ) async -> RotationResult {
        guard case .renewed(let renewed, _) = outcome else { return moved(intent, to: newer) }
        guard let newer else {
            // Forgotten by somebody; or the store has lost it, and memory has not.
            guard state.withLockedValue({ $0.ledger.isKnown(intent.key) }) else { return moved(intent, to: nil) }
            return result(of: outcome, await learn(renewed, for: intent.owner, isLogin: false))
        }
        guard intent.owner != intent.key || newer.generation <= intent.generation else {
            return moved(intent, to: newer)
        }
        let settlement = state.withLockedValue { state in
            state.ledger.publish(newer)
            return state.ledger.settle(intent, outcome, at: clock.now())
        }
        if mayRepeat, intent.owner != intent.key, case .commit(let session) = settlement {
            return await commit(session, intent, outcome, mayRepeat: false)
        }
        return result(of: outcome, await learn(renewed, for: intent.owner, isLogin: false))
    }

    private func abandon(_ intent: RotationIntent) async {
        do { try await store.abandon(intent) } catch {
            logger.warning("an intent could not be cleared", metadata: ["error": "\(error)"])
            watchStore()
        }
    }

    /// The store knows more than the attempt did, or has forgotten the session.
    private func moved(_ intent: RotationIntent, to newer: Session?) -> RotationResult {
        state.withLockedValue { state in
            guard let newer else {
                state.ledger.forget(intent.key)
                return .overtaken
            }
            state.ledger.publish(newer)
            guard let known = state.ledger.session(newer.key), known.generation > intent.generation,
                known.state == .live
            else { return .overtaken }
            return .moved(known)
        }
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

extension RotationResult {
    /// As the metrics call it.
    fileprivate var end: SidecarMetrics.RotationEnd {
        switch self {
        case .renewed: .renewed
        case .moved, .overtaken: .moved
        case .refused: .rejected
        case .failed, .fault: .failed
        case .lost: .lost
        case .sessionLost: .sessionLost
        case .storeFailed: .storeFailed
        }
    }
}
