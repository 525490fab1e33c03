// Sessions in memory: for tests and throw-away use.

package import Model
internal import NIOConcurrencyHelpers

/// `memory:` — the rules of the store port without the disk. Everything is gone at exit.
package final class MemoryStore: SessionStore {
    package let keys: StoreKeys
    package let isShared: Bool
    private let model: NIOLockedValueBox<StoreModel>
    private let clock: any WallClock

    /// - Parameters:
    ///   - clock: tells how long an attempt may still be in the air.
    ///   - isShared: whether several coordinators use it, as if they were replicas.
    package init(clock: any WallClock, isShared: Bool = false) {
        keys = StoreKeys(lineage: RandomBytes.make(32), fingerprint: RandomBytes.make(32))
        model = NIOLockedValueBox(StoreModel(isShared: isShared))
        self.isShared = isShared
        self.clock = clock
    }

    package func load(_ key: SessionKey) async throws(StoreError) -> StoredSession? {
        model.withLockedValue { $0.load(key, at: clock.now()) }
    }

    package func find(_ hash: TokenHash) async throws(StoreError) -> StoredSession? {
        model.withLockedValue { $0.find(hash, at: clock.now()) }
    }

    package func begin(_ intent: RotationIntent) async throws(StoreError) -> BeginOutcome {
        model.withLockedValue { $0.begin(intent, at: clock.now()) }
    }

    package func commit(_ session: Session, tokenHash: TokenHash, ending intent: RotationIntent)
        async throws(StoreError) -> CommitOutcome
    {
        model.withLockedValue { $0.commit(session, tokenHash: tokenHash, ending: intent) }
    }

    package func abandon(_ intent: RotationIntent) async throws(StoreError) {
        model.withLockedValue { $0.abandon(intent) }
    }

    package func save(_ session: Session, tokenHash: TokenHash) async throws(StoreError) -> CommitOutcome {
        model.withLockedValue { $0.save(session, tokenHash: tokenHash) }
    }

    package func forget(_ key: SessionKey) async throws(StoreError) { model.withLockedValue { $0.forget(key) } }

    package func sweep(endedBefore end: Timestamp, limit: Int) async throws(StoreError) -> [SessionKey] {
        model.withLockedValue { $0.sweep(endedBefore: end, limit: limit) }
    }

    package func probe() async throws(StoreError) {}
}
