// A store whose calls are counted and timed.

package import Model
package import Telemetry

/// Passes every call on as it is.
package struct MeasuredStore: SessionStore {
    private let store: any SessionStore
    private let metrics: SidecarMetrics

    package init(_ store: any SessionStore, metrics: SidecarMetrics) { (self.store, self.metrics) = (store, metrics) }

    /// As the metrics call them.
    package static let operations = [
        "load", "find", "begin", "commit", "abandon", "save", "forget", "sweep", "probe",
    ]

    package var keys: StoreKeys { store.keys }
    package var isShared: Bool { store.isShared }
    package var trouble: StoreTrouble? { store.trouble }
    package func follow(_ told: @escaping @Sendable (StoreNews) -> Void) { store.follow(told) }

    package func load(_ key: SessionKey) async throws(StoreError) -> StoredSession? {
        try await measured("load") { () async throws(StoreError) in try await store.load(key) }
    }
    package func find(_ hash: TokenHash) async throws(StoreError) -> StoredSession? {
        try await measured("find") { () async throws(StoreError) in try await store.find(hash) }
    }
    package func begin(_ intent: RotationIntent) async throws(StoreError) -> BeginOutcome {
        try await measured("begin") { () async throws(StoreError) in try await store.begin(intent) }
    }
    package func commit(
        _ session: Session, tokenHash: TokenHash, ending intent: RotationIntent
    ) async throws(StoreError) -> CommitOutcome {
        try await measured("commit") { () async throws(StoreError) in
            try await store.commit(session, tokenHash: tokenHash, ending: intent)
        }
    }
    package func abandon(_ intent: RotationIntent) async throws(StoreError) {
        try await measured("abandon") { () async throws(StoreError) in try await store.abandon(intent) }
    }
    package func save(_ session: Session, tokenHash: TokenHash) async throws(StoreError) -> CommitOutcome {
        try await measured("save") { () async throws(StoreError) in try await store.save(session, tokenHash: tokenHash)
        }
    }
    package func forget(_ key: SessionKey) async throws(StoreError) {
        try await measured("forget") { () async throws(StoreError) in try await store.forget(key) }
    }
    package func sweep(endedBefore end: Timestamp, limit: Int) async throws(StoreError) -> [SessionKey] {
        try await measured("sweep") { () async throws(StoreError) in
            try await store.sweep(endedBefore: end, limit: limit)
        }
    }
    package func probe() async throws(StoreError) {
        try await measured("probe") { () async throws(StoreError) in try await store.probe() }
    }

    private func measured<Result>(
        _ operation: String, _ call: () async throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        let started = ContinuousClock.now
        do {
            let result = try await call()
            metrics.storeAnswered(operation, succeeded: true, after: ContinuousClock.now - started)
            return result
        } catch {
            metrics.storeAnswered(operation, succeeded: false, after: ContinuousClock.now - started)
            throw error
        }
    }
}
