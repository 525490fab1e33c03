// A store whose writes fail when the test says so.

package import Model
internal import NIOConcurrencyHelpers

/// Passes everything on to another store, but for the calls that are to fail. Tells what the test says.
package final class FailingStore: SessionStore {
    package enum Call: Hashable, Sendable { case load, begin, commit, save, probe }

    /// Signalled at each load that went through.
    package let loaded = Gate()

    private let inner: any SessionStore
    private let failing = NIOLockedValueBox<Set<Call>>([])
    private let told = NIOLockedValueBox<(@Sendable (StoreNews) -> Void)?>(nil)
    private let held = NIOLockedValueBox<Gate?>(nil)
    /// Signalled at each call that failed.
    package let failed = Gate()
    /// Signalled at each probe that went through.
    package let probed = Gate()
    /// Signalled at each save that went through.
    package let saved = Gate()

    package init(_ inner: any SessionStore) { self.inner = inner }

    package var keys: StoreKeys { inner.keys }
    package var isShared: Bool { inner.isShared }
    package func follow(_ told: @escaping @Sendable (StoreNews) -> Void) {
        self.told.withLockedValue { $0 = told }
        inner.follow(told)
    }
    /// Tells it to whoever follows.
    package func tell(_ news: StoreNews) { told.withLockedValue { $0 }?(news) }
    /// From now on an answer to a load waits for the gate after it was read.
    package func holdAnswers(by gate: Gate) { held.withLockedValue { $0 = gate } }
    package func fail(_ calls: Set<Call>) { failing.withLockedValue { $0 = calls } }

    private func check(_ call: Call) throws(StoreError) {
        guard failing.withLockedValue({ $0.contains(call) }) else { return }
        failed.signal()
        throw .failed(operation: "\(call)", code: 13)
    }

    package func load(_ key: SessionKey) async throws(StoreError) -> StoredSession? {
        try check(.load)
        let stored = try await inner.load(key)
        loaded.signal()
        await held.withLockedValue { $0 }?.wait()
        return stored
    }
    package func find(_ hash: TokenHash) async throws(StoreError) -> StoredSession? {
        try check(.load)
        return try await inner.find(hash)
    }
    package func begin(_ intent: RotationIntent) async throws(StoreError) -> BeginOutcome {
        try check(.begin)
        return try await inner.begin(intent)
    }
    package func commit(_ session: Session, tokenHash: TokenHash, ending intent: RotationIntent)
        async throws(StoreError) -> CommitOutcome
    {
        try check(.commit)
        return try await inner.commit(session, tokenHash: tokenHash, ending: intent)
    }
    package func abandon(_ intent: RotationIntent) async throws(StoreError) { try await inner.abandon(intent) }
    package func save(_ session: Session, tokenHash: TokenHash) async throws(StoreError) -> CommitOutcome {
        try check(.save)
        defer { saved.signal() }
        return try await inner.save(session, tokenHash: tokenHash)
    }
    package func probe() async throws(StoreError) {
        try check(.probe)
        defer { probed.signal() }
        try await inner.probe()
    }
    package func sweep(endedBefore end: Timestamp, limit: Int) async throws(StoreError) -> [SessionKey] {
        try await inner.sweep(endedBefore: end, limit: limit)
    }
    package func forget(_ key: SessionKey) async throws(StoreError) { try await inner.forget(key) }
}
