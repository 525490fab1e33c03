// One thread that owns one connection, and gathers what waits into one transaction.

internal import Model
internal import NIOConcurrencyHelpers
internal import NIOPosix

/// Runs work on a SQLite connection, one batch at a time. All writes that wait while a transaction is being made durable go into
/// the next one together, so that many callers share one fsync.
final class SQLiteThread: Sendable {
    /// Confined to the one thread of `pool` from `init` to `close`.
    private struct Owned: @unchecked Sendable { let connection: SQLiteConnection }

    private struct Work: Sendable {
        let run: @Sendable (SQLiteConnection) throws(StoreError) -> Void
        let finish: @Sendable (StoreError?) -> Void
    }

    private struct State {
        var waiting: [Work] = []
        var isRunning = false
        var isClosed = false
    }

    private let owned: Owned
    private let transactions: Bool
    private let pool: NIOThreadPool
    private let state = NIOLockedValueBox(State())

    /// - Parameter transactions: whether each batch is a transaction (the writer) or not (the reader).
    init(connection: sending SQLiteConnection, transactions: Bool) {
        owned = Owned(connection: connection)
        self.transactions = transactions
        pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
    }

    /// Runs `work` and returns when the transaction that it was part of is durable.
    func perform<Value: Sendable>(
        _ work: @escaping @Sendable (SQLiteConnection) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let box = NIOLockedValueBox<Value?>(nil)
        let error: StoreError? = await withCheckedContinuation { continuation in
            enqueue(
                Work(
                    run: { (connection) throws(StoreError) in
                        let value = try work(connection)
                        box.withLockedValue { $0 = value }
                    },
                    finish: { continuation.resume(returning: $0) }))
        }
        if let error { throw error }
        guard let value = box.withLockedValue({ $0 }) else { throw .closed }
        return value
    }

    private func enqueue(_ work: Work) {
        let (closed, start) = state.withLockedValue { state in
            guard !state.isClosed else { return (true, false) }
            state.waiting.append(work)
            defer { state.isRunning = true }
            return (false, !state.isRunning)
        }
        if closed { return work.finish(.closed) }
        if start { pool.submit { _ in self.runBatches() } }
    }

    private func runBatches() {
        while true {
            let batch = state.withLockedValue { state in
                defer { state.waiting = [] }
                if state.waiting.isEmpty { state.isRunning = false }
                return state.waiting
            }
            guard !batch.isEmpty else { return }
            run(batch)
        }
    }

    /// A batch is one transaction. If any part of it fails, each part is tried alone, so that none fails for another's sake.
    private func run(_ batch: [Work]) {
        guard let error = attempt(batch) else {
            for work in batch { work.finish(nil) }
            return
        }
        guard batch.count > 1 else { return batch[0].finish(error) }
        for work in batch { work.finish(attempt([work])) }
    }

    private func attempt(_ batch: [Work]) -> StoreError? {
        let connection = owned.connection
        do {
            if transactions { try connection.run("BEGIN IMMEDIATE") }
            for work in batch { try work.run(connection) }
            if transactions { try connection.run("COMMIT") }
            return nil
        } catch {
            if transactions { _ = try? connection.run("ROLLBACK") }
            return error
        }
    }

    /// Ends the connection after what waits now; later work gets `.closed`.
    func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            state.withLockedValue { $0.isClosed = true }
            pool.submit { _ in
                self.runBatches()
                self.owned.connection.close()
                continuation.resume()
            }
        }
        try? await pool.shutdownGracefully()
    }
}
