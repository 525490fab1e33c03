// What only memory has, until the store takes it.

internal import Logging
internal import Model
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
            let givenUp = state.withLockedValue { state in
                state.storeFails = false
                defer { state.givenUp = [] }
                return state.givenUp
            }
            logger.notice("the store takes writes again")
            // Others would wait for these until their time is over, and count them for lost.
            for intent in givenUp { try? await store.abandon(intent) }
        }
    }

    /// Contract 7.9: memory holds the only copy of what the tenant gave out, until the store takes it.
    func keepUntilSaved(_ session: Session, _ reason: SessionLedger.Unsaved) {
        state.withLockedValue { $0.ledger.keep(session, unsaved: reason) }
        Task { await saveUntilTaken(session.key) }
    }

    /// Tries until the store has taken what only memory has, or the task is cancelled; once in any case.
    func saveUntilTaken(_ key: SessionKey) async {
        var pause = Duration.milliseconds(250)
        while (try? await saveFirst(key)) == nil, !Task.isCancelled {
            // A back-off in real time: no rule depends on it.
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(10))
        }
    }

    /// A token that only memory has is made durable before the next one is asked for.
    func saveFirst(_ key: SessionKey) async throws(StoreError) {
        while true {
            let waiting: (Session, TokenHash)? = state.withLockedValue { state in
                guard state.ledger.unsaved[key] != nil, let session = state.ledger.session(key) else { return nil }
                return (session, state.ledger.hasher.hash(session.token))
            }
            guard let (session, hash) = waiting else { return }
            let outcome = try await store.save(session, tokenHash: hash)
            state.withLockedValue { $0.ledger.saved(session, outcome, at: clock.now()) }
        }
    }

    /// A few at a time, until the task is cancelled.
    func saveAll(_ keys: [SessionKey]) async {
        await withTaskGroup(of: Void.self) { group in
            for (index, key) in keys.enumerated() {
                if index >= 16 { await group.next() }
                if index >= 16, Task.isCancelled { break }
                group.addTask { await self.saveUntilTaken(key) }
            }
        }
    }

    /// Returns when no attempt is in the air and the store has taken what only memory has. New attempts may still start; the caller has
    /// stopped taking requests.
    /// - Parameter limit: how long the store is tried for what it has not taken; once in any case. Attempts end by their own deadlines.
    /// - Returns: the number of sessions whose newest token the store has not taken: their users have to log in again.
    package func drain(within limit: Duration) async -> Int {
        let end = ContinuousClock.now + limit
        while let flight = state.withLockedValue({ $0.flights.values.first }) {
            _ = await flight.result(within: .seconds(60))
        }
        let saving = Task { await saveAll(state.withLockedValue { Array($0.ledger.unsaved.keys) }) }
        let deadline = deadlines.set(end) { saving.cancel() }
        await saving.value
        deadlines.callOff(deadline)
        return state.withLockedValue { $0.ledger.unsaved.count }
    }
}
