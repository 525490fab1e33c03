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

    /// - Parameter asked: how many of the sessions are asked for, one after the other, in no order; what is asked for again soon is
    ///   in the processor's caches.
    private static func lookUp(of count: Int, asked: Int) -> Benchmark {
        Benchmark("ledger look-up, \(asked) of \(count) sessions", rounds: 50_000) { _ in
            var policy = RotationPolicy()
            policy.memoryLimit = count
            // Changed in place, as the coordinator does it: a copy of a million sessions would be measured with the look-ups.
            let ledger = NIOLockedValueBox(SessionLedger(policy: policy, hasher: hasher, process: 1))
            for number in 0..<count {
                let session = try session(number)
                ledger.withLockedValue { $0.publish(session) }
            }
            // The same order in every run.
            var random = SeededGenerator(seed: 1)
            let claims = try (0..<count).shuffled(using: &random).prefix(asked).map { number in
                SessionClaim(user: try .sample("user-\(number)"), token: nil)
            }
            let next = NIOLockedValueBox(0)
            return { rounds in
                for _ in 0..<rounds {
                    let claim = claims[
                        next.withLockedValue { next in
                            defer { next = next + 1 < claims.count ? next + 1 : 0 }
                            return next
                        }]
                    let decision = ledger.withLockedValue {
                        $0.decide(claim, for: .use, attempt: AttemptID(high: 1, low: 1), at: .sample)
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
        lookUp(of: 1, asked: 1), lookUp(of: 10_000, asked: 4096), lookUp(of: 1_000_000, asked: 4096),
        lookUp(of: 1_000_000, asked: 1_000_000),
        commits("in memory", rounds: 20_000) { _ in MemoryStore(clock: ManualClock()) },
        commits("SQLite, durable", rounds: 200) { try SQLiteStore(path: $0 + "/s.db", key: nil) },
    ]
}
