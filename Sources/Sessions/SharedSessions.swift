// What other replicas do to the sessions of a shared store, and what is done about it here.

internal import Logging
internal import Model
internal import NIOConcurrencyHelpers

extension SessionCoordinator {
    /// How long nobody looks while news are to tell of the end; they may get lost without a sign for a moment.
    private static let longestLook = Duration.seconds(2)
    /// Between two looks when no news come.
    private static let shortestLook = Duration.milliseconds(50)
    /// A failover loses what was written a moment before; with a wide margin.
    private static let recent = Duration.seconds(300)

    /// The store tells of the others. Does not wait.
    func heard(_ news: StoreNews) {
        let now = clock.now()
        switch news {
        case .stored(let stored):
            // Whoever waits for the session looks at what is here now.
            let look = state.withLockedValue { state in
                let key = stored.session.key
                state.ledger.heard(stored, isWanted: state.looks[key] != nil, at: now)
                return state.looks.removeValue(forKey: key)
            }
            finish(look, .overtaken)
        case .forgotten(let key):
            let look = state.withLockedValue { state in
                state.ledger.heardRemoval(of: key)
                if !state.ledger.isKnown(key) { state.idTokens.forget(key) }
                return state.looks.removeValue(forKey: key)
            }
            finish(look, .overtaken)
        case .following:
            let unsaved = state.withLockedValue { state in
                state.ledger.follows(true)
                return Array(state.ledger.unsaved.keys)
            }
            // Before another replica finds an older token there.
            if !unsaved.isEmpty { Task { await saveAll(unsaved) } }
        case .missing: state.withLockedValue { $0.ledger.follows(false) }
        case .mayHaveForgotten(let everything):
            let keys = state.withLockedValue { $0.ledger.handBack(since: everything ? nil : now - Self.recent) }
            guard !keys.isEmpty else { return }
            logger.notice(
                "the store is another one than before; it gets the sessions that it may not have",
                metadata: ["count": "\(keys.count)"])
            Task { await saveAll(keys) }
        }
    }

    private func finish(_ look: (flight: RotationFlight, task: Task<Void, Never>)?, _ result: RotationResult) {
        look?.task.cancel()
        look?.flight.deliver(result)
    }

    /// Waits for what becomes of another replica's attempt. One looks for all who wait.
    /// - Returns: false when the caller's patience has ended.
    func watch(_ key: SessionKey, since started: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        let patience = patience(since: started)
        guard patience > .zero, !Task.isCancelled else { return false }
        let flight = state.withLockedValue { state in
            if let look = state.looks[key] { return look.flight }
            let flight = RotationFlight(deadlines)
            let pause = state.ledger.isFollowing ? Self.longestLook : Self.shortestLook
            let left = state.ledger.abroadLeft(key)
            state.looks[key] = (
                flight, Task { await self.look(key, flight, after: min(pause, max(left, .milliseconds(1)))) }
            )
            return flight
        }
        switch await flight.result(within: patience) {
        case nil: return false
        case .storeFailed(let error): throw error
        default: return true
        }
    }

    /// Asks the store after a while, unless news of the session come first.
    private func look(_ key: SessionKey, _ flight: RotationFlight, after pause: Duration) async {
        await clock.sleep(for: pause)
        guard state.withLockedValue({ $0.looks[key]?.flight === flight }) else { return }
        var result = RotationResult.overtaken
        do throws(StoreError) {
            var read: StoreAnswers = [:]
            try await ask(.key(key), &read)
        } catch {
            let isOver = state.withLockedValue { $0.ledger.lostSight(key, at: clock.now()) }
            if !isOver { result = .storeFailed(error) }
        }
        state.withLockedValue { state in
            if state.looks[key]?.flight === flight { state.looks[key] = nil }
        }
        flight.deliver(result)
    }
}
