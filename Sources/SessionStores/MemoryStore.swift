// Sessions in memory: for tests and throw-away use.

package import Model
internal import NIOConcurrencyHelpers

/// `memory:` — the rules of the store port without the disk. Everything is gone at exit.
package final class MemoryStore: SessionStore {
    package let keys: StoreKeys
    private let model = NIOLockedValueBox(StoreModel())

    package init() {
        var generator = SystemRandomNumberGenerator()
        func random() -> [UInt8] { (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) } }
        keys = StoreKeys(lineage: random(), fingerprint: random())
    }

    package func load(_ key: SessionKey) async throws(StoreError) -> StoredSession? {
        model.withLockedValue { $0.load(key) }
    }

    package func find(_ hash: TokenHash) async throws(StoreError) -> StoredSession? {
        model.withLockedValue { $0.find(hash) }
    }

    package func begin(_ intent: RotationIntent) async throws(StoreError) -> BeginOutcome {
        model.withLockedValue { $0.begin(intent) }
    }

    package func commit(_ session: Session, tokenHash: TokenHash, attempt: AttemptID) async throws(StoreError)
        -> CommitOutcome
    {
        model.withLockedValue { $0.commit(session, tokenHash: tokenHash, attempt: attempt) }
    }

    package func abandon(_ key: SessionKey, attempt: AttemptID) async throws(StoreError) {
        model.withLockedValue { $0.abandon(key, attempt: attempt) }
    }

    package func save(_ session: Session, tokenHash: TokenHash) async throws(StoreError) -> CommitOutcome {
        model.withLockedValue { $0.save(session, tokenHash: tokenHash) }
    }

    package func forget(_ key: SessionKey) async throws(StoreError) { model.withLockedValue { $0.forget(key) } }
    package func probe() async throws(StoreError) {}
}
