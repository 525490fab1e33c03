// One conformance suite for every store.

import Model
import SessionStores
import TestSupport
import Testing

/// Which store a contract test runs against.
enum StoreKind: String, CaseIterable {
    case memory, sqlite

    func with(_ body: (any SessionStore) async throws -> Void) async throws {
        switch self {
        case .memory: try await body(MemoryStore())
        case .sqlite:
            try await withTestFolder { folder in
                let store = try SQLiteStore(path: folder + "/sessions.db", key: nil)
                try await body(store)
                await store.close()
            }
        }
    }
}

func sampleSession(
    _ user: String = "alice", _ token: String = "T0", generation: UInt64 = 1, state: Session.State = .live,
    old: [TokenHash] = []
) throws -> Session {
    Session(
        key: try .sample(user), token: try .sample(token), generation: generation, expiresAt: .sample + .seconds(100),
        rotatedAt: .sample,
        fingerprint: try .sample("fp-\(user)"), state: state, superseded: old.map { .init(hash: $0, at: .sample) })
}

func sampleHash(_ token: String) -> TokenHash {
    TokenHash(Array((bytes(token) + [UInt8](repeating: 0, count: 16)).prefix(16)))
}

struct SessionStoreContract {
    private func intent(_ session: Session?, _ attempt: UInt64, user: String = "alice") throws -> RotationIntent {
        RotationIntent(
            attempt: AttemptID(high: 0, low: attempt), key: try .sample(user), session: session,
            token: try session?.token ?? .sample("X"))
    }

    private func committed(_ outcome: CommitOutcome) -> Bool { if case .committed = outcome { true } else { false } }
    private func granted(_ outcome: BeginOutcome) -> Bool { if case .granted = outcome { true } else { false } }

    @Test(arguments: StoreKind.allCases)
    func whatIsSavedIsLoadedAndFound(kind: StoreKind) async throws {
        try await kind.with { store in
            let refusal = Session.Refusal(status: 400, contentType: bytes("application/json"), body: bytes("{}"))
            let states: [Session.State] = [.live, .unknown(since: .sample), .dead(.lost), .dead(.rejected(refusal))]
            for (number, state) in states.enumerated() {
                let session = try sampleSession(
                    "user\(number)", "T\(number)", state: state, old: [sampleHash("old\(number)")])
                #expect(committed(try await store.save(session, tokenHash: sampleHash("T\(number)"))))
                #expect(try await store.load(session.key)?.session == session)
                #expect(try await store.find(sampleHash("T\(number)"))?.session == session)
                #expect(try await store.find(sampleHash("old\(number)"))?.session == session)
            }
            #expect(try await store.load(.sample("nobody"))?.session == nil)
            #expect(try await store.find(sampleHash("none"))?.session == nil)
            let anonymous = Session(
                key: .anonymous(sampleHash("A")), token: try .sample("A"), generation: 1, expiresAt: .sample,
                rotatedAt: .sample,
                fingerprint: nil)
            _ = try await store.save(anonymous, tokenHash: sampleHash("A"))
            #expect(try await store.load(anonymous.key)?.session == anonymous)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func aRotation(kind: StoreKind) async throws {
        try await kind.with { store in
            let first = try sampleSession()
            _ = try await store.save(first, tokenHash: sampleHash("T0"))
            let intent = try intent(first, 1)
            #expect(granted(try await store.begin(intent)))
            #expect(try await store.load(first.key)?.unfinished == intent.attempt)
            let next = try sampleSession("alice", "T1", generation: 2, old: [sampleHash("T0")])
            #expect(committed(try await store.commit(next, tokenHash: sampleHash("T1"), attempt: intent.attempt)))
            let stored = try #require(try await store.load(first.key))
            #expect(stored.session == next && stored.unfinished == nil)
            #expect(try await store.find(sampleHash("T0"))?.session == next)
            // The attempt is over: it writes nothing any more.
            let late = try sampleSession("alice", "T9", generation: 2)
            #expect(!committed(try await store.commit(late, tokenHash: sampleHash("T9"), attempt: intent.attempt)))
            #expect(try await store.load(first.key)?.session == next)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func anAttemptForAnotherGenerationIsNotBegun(kind: StoreKind) async throws {
        try await kind.with { store in
            let second = try sampleSession("alice", "T1", generation: 2)
            _ = try await store.save(second, tokenHash: sampleHash("T1"))
            guard case .moved(let newer) = try await store.begin(try intent(try sampleSession(), 1)) else {
                Issue.record("begun")
                return
            }
            #expect(newer == second)
            #expect(try await store.load(second.key)?.unfinished == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func anUnfinishedAttemptIsTakenOver(kind: StoreKind) async throws {
        try await kind.with { store in
            let first = try sampleSession()
            _ = try await store.save(first, tokenHash: sampleHash("T0"))
            #expect(granted(try await store.begin(try intent(first, 1))))
            #expect(granted(try await store.begin(try intent(first, 2))))
            let next = try sampleSession("alice", "T1", generation: 2)
            #expect(
                !committed(
                    try await store.commit(next, tokenHash: sampleHash("T1"), attempt: AttemptID(high: 0, low: 1))))
            #expect(
                committed(
                    try await store.commit(next, tokenHash: sampleHash("T1"), attempt: AttemptID(high: 0, low: 2))))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func anAttemptWithoutASession(kind: StoreKind) async throws {
        try await kind.with { store in
            #expect(granted(try await store.begin(try intent(nil, 1))))
            #expect(try await store.load(.sample("alice")) == nil)
            try await store.abandon(.sample("alice"), attempt: AttemptID(high: 0, low: 1))
            #expect(granted(try await store.begin(try intent(nil, 2))))
            let first = try sampleSession()
            #expect(
                committed(
                    try await store.commit(first, tokenHash: sampleHash("T0"), attempt: AttemptID(high: 0, low: 2))))
            #expect(try await store.load(first.key)?.session == first)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func abandoningClearsItsOwnAttemptOnly(kind: StoreKind) async throws {
        try await kind.with { store in
            let first = try sampleSession()
            _ = try await store.save(first, tokenHash: sampleHash("T0"))
            _ = try await store.begin(try intent(first, 1))
            try await store.abandon(first.key, attempt: AttemptID(high: 0, low: 9))
            #expect(try await store.load(first.key)?.unfinished != nil)
            try await store.abandon(first.key, attempt: AttemptID(high: 0, low: 1))
            let stored = try #require(try await store.load(first.key))
            #expect(stored.unfinished == nil && stored.session == first)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func savingNeverGoesBack(kind: StoreKind) async throws {
        try await kind.with { store in
            let second = try sampleSession("alice", "T1", generation: 2)
            _ = try await store.save(second, tokenHash: sampleHash("T1"))
            guard case .fenced(let newer) = try await store.save(try sampleSession(), tokenHash: sampleHash("T0"))
            else {
                Issue.record("went back")
                return
            }
            #expect(newer == second)
            let rival = try sampleSession("alice", "R1", generation: 2)
            #expect(!committed(try await store.save(rival, tokenHash: sampleHash("R1"))))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func savingTheSameGenerationLeavesAnAttemptRunningANewOneFencesIt(kind: StoreKind) async throws {
        try await kind.with { store in
            let first = try sampleSession()
            _ = try await store.save(first, tokenHash: sampleHash("T0"))
            _ = try await store.begin(try intent(first, 1))
            var pinned = first
            pinned.fingerprint = try .sample("other")
            #expect(committed(try await store.save(pinned, tokenHash: sampleHash("T0"))))
            #expect(try await store.load(first.key)?.unfinished == AttemptID(high: 0, low: 1))
            let login = try sampleSession("alice", "L", generation: 2)
            #expect(committed(try await store.save(login, tokenHash: sampleHash("L"))))
            let late = try sampleSession("alice", "T1", generation: 2)
            #expect(
                !committed(
                    try await store.commit(late, tokenHash: sampleHash("T1"), attempt: AttemptID(high: 0, low: 1))))
            #expect(try await store.load(first.key)?.session == login)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func aProbeChangesNothing(kind: StoreKind) async throws {
        try await kind.with { store in
            let first = try sampleSession()
            _ = try await store.save(first, tokenHash: sampleHash("T0"))
            try await store.probe()
            #expect(try await store.load(first.key)?.session == first)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func forgetting(kind: StoreKind) async throws {
        try await kind.with { store in
            let first = try sampleSession("alice", "T1", generation: 2, old: [sampleHash("T0")])
            _ = try await store.save(first, tokenHash: sampleHash("T1"))
            try await store.forget(first.key)
            #expect(try await store.load(first.key) == nil)
            #expect(try await store.find(sampleHash("T0")) == nil)
            #expect(try await store.find(sampleHash("T1")) == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func aThousandSessionsAtOnce(kind: StoreKind) async throws {
        try await kind.with { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        let first = try sampleSession("user\(number)", "T\(number)")
                        _ = try await store.save(first, tokenHash: sampleHash("T\(number)"))
                        let intent = RotationIntent(
                            attempt: .random(), key: first.key, session: first, token: first.token)
                        _ = try await store.begin(intent)
                        let next = try sampleSession("user\(number)", "N\(number)", generation: 2)
                        _ = try await store.commit(next, tokenHash: sampleHash("N\(number)"), attempt: intent.attempt)
                    }
                }
                try await group.waitForAll()
            }
            for number in 0..<1000 {
                #expect(try await store.load(.sample("user\(number)"))?.session.token == .sample("N\(number)"))
            }
        }
    }
}
