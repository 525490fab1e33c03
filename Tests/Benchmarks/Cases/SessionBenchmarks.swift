// Sessions in memory and in their stores.

internal import Model
internal import NIOConcurrencyHelpers
internal import SessionStores
internal import Sessions
internal import TestSupport

extension Benchmark {
    private static let hasher = TokenHasher(key: [UInt8](repeating: 7, count: 32))

    private static func session(_ number: Int, generation: UInt64 = 1) throws -> Session {
        Session(
            key: try .sample("user-\(number)"),
            token: try .sample("session-token-of-forty-characters-\(100_000 + number)-\(generation)"),
            generation: generation, expiresAt: .sample + .seconds(43_200), rotatedAt: .sample,
            fingerprint: try .sample("fp-\(number)"))
    }

    private static func lookUp(of count: Int) -> Benchmark {
        Benchmark("ledger look-up, \(count) sessions", rounds: 50_000) { _ in
            var policy = RotationPolicy()
            policy.memoryLimit = count
            // Changed in place, as the coordinator does it: a copy of a million sessions would be measured with the look-ups.
            let ledger = NIOLockedValueBox(SessionLedger(policy: policy, hasher: hasher, process: 1))
            for number in 0..<count {
                let session = try session(number)
                ledger.withLockedValue { $0.publish(session) }
            }
            let claims = try (0..<min(count, 4096)).map { number in
                // Spread over all of them.
                SessionClaim(user: try .sample("user-\(number * (count / min(count, 4096)))"), token: nil)
            }
            return { rounds in
                for round in 0..<rounds {
                    let decision = ledger.withLockedValue {
                        $0.decide(
                            claims[round % claims.count], for: .use, attempt: AttemptID(high: 1, low: 1), at: .sample)
                    }
                    guard case .use = decision else { throw WrongResult(what: "a session was not found") }
                }
            }
        }
    }

    /// A rotation's two writes, each durable when it returns.
    private static func commits(
        _ name: String, rounds: Int, _ open: @escaping @Sendable (String) throws -> any SessionStore
    )
        -> Benchmark
    {
        Benchmark("begin and commit, \(name)", rounds: rounds) { folder in
            let store = try open(folder)
            return { rounds in
                var known = try session(Int.random(in: 0..<1 << 40))
                _ = try await store.save(known, tokenHash: hasher.hash(known.token))
                for round in 0..<rounds {
                    let intent = RotationIntent(
                        attempt: AttemptID(high: 1, low: UInt64(round)), session: known,
                        tokenHash: hasher.hash(known.token))
                    guard case .granted = try await store.begin(intent) else { throw WrongResult(what: "not begun") }
                    known = Session(
                        key: known.key, token: try .sample("session-token-\(round)"), generation: known.generation + 1,
                        expiresAt: known.expiresAt, rotatedAt: known.rotatedAt, fingerprint: known.fingerprint)
                    let outcome = try await store.commit(known, tokenHash: hasher.hash(known.token), ending: intent)
                    try check(outcome == .committed, "not committed")
                }
            }
        }
    }

    static let sessions = [
        lookUp(of: 1), lookUp(of: 10_000), lookUp(of: 1_000_000),
        commits("in memory", rounds: 20_000) { _ in MemoryStore(clock: ManualClock()) },
        commits("SQLite, durable", rounds: 200) { try SQLiteStore(path: $0 + "/s.db", key: nil) },
    ]
}
