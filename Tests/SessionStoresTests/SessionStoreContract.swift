// One conformance suite for every store.

import Model
import SessionStores
import TestSupport
import Testing

/// Which store a contract test runs against.
enum StoreKind: String, CaseIterable {
    case memory, sqlite, redis

    /// Those that take ended sessions away only when they are asked to.
    static let sweeping: [StoreKind] = [.memory, .sqlite]

    func with(_ body: (any SessionStore) async throws -> Void) async throws {
        switch self {
        case .memory: try await body(MemoryStore(clock: ManualClock()))
        case .sqlite:
            try await withTestFolder { folder in
                let store = try SQLiteStore(path: folder + "/sessions.db", key: nil)
                try await body(store)
                await store.close()
            }
        case .redis:
            try await RedisServer.with { server in
                let store = try await RedisStore.open(server.settings, key: .sampleKey, clock: ManualClock())
                try await body(store)
                await store.close()
            }
        }
    }
}

extension RedisServer {
    /// Over its unix socket.
    var settings: RedisSettings {
        var settings = RedisSettings(place: .unix(path: socket))
        settings.password = bytes(password)
        settings.timeout = .seconds(60)
        return settings
    }
}

extension [UInt8] {
    static var sampleKey: [UInt8] { [UInt8](repeating: 9, count: 32) }
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
    TokenHash(Array(bytes(token) + [UInt8](repeating: 0, count: 16)), at: 0)
}

struct SessionStoreContract {
    private func intent(_ session: Session?, _ attempt: UInt64, user: String = "alice") throws -> RotationIntent {
        let presented = try session ?? sampleSession(user, "X", generation: 0)
        return RotationIntent(
            attempt: AttemptID(high: 0, low: attempt), session: presented,
            tokenHash: sampleHash(text(presented.token.bytes)))
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
            #expect(try await store.load(first.key)?.unfinished?.attempt == intent.attempt)
            let next = try sampleSession("alice", "T1", generation: 2, old: [sampleHash("T0")])
            #expect(committed(try await store.commit(next, tokenHash: sampleHash("T1"), ending: intent)))
            let stored = try #require(try await store.load(first.key))
            #expect(stored.session == next && stored.unfinished == nil)
            #expect(try await store.find(sampleHash("T0"))?.session == next)
            // The attempt is over: it writes nothing any more.
            let late = try sampleSession("alice", "T9", generation: 2)
            #expect(!committed(try await store.commit(late, tokenHash: sampleHash("T9"), ending: intent)))
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

    /// The loss of an attempt is written with the intent that takes it over; until it is counted, nothing is presented.
    @Test(arguments: StoreKind.allCases)
    func anUnfinishedAttemptIsTakenOverByWhoCountsItsLoss(kind: StoreKind) async throws {
        try await kind.with { store in
            let first = try sampleSession()
            _ = try await store.save(first, tokenHash: sampleHash("T0"))
            let before = RotationIntent(
                attempt: AttemptID(high: 1, low: 1), session: first, tokenHash: sampleHash("T0"))
            #expect(granted(try await store.begin(before)))
            guard case .held(let unfinished) = try await store.begin(try intent(first, 2)) else {
                Issue.record("not held")
                return
            }
            // Only a shared store's may be in the air still.
            #expect(unfinished.attempt == before.attempt && (unfinished.left > .zero) == store.isShared)
            let counted = try sampleSession(state: .unknown(since: .sample))
            let after = RotationIntent(
                attempt: AttemptID(high: 0, low: 3), session: counted, tokenHash: sampleHash("T0"),
                takesOver: before.attempt)
            #expect(granted(try await store.begin(after)))
            #expect(try await store.load(first.key)?.session == counted)
            // Without the loss it is behind now.
            guard case .moved(let newer) = try await store.begin(try intent(first, 4)) else {
                Issue.record("begun")
                return
            }
            #expect(newer == counted)
            let next = try sampleSession("alice", "T1", generation: 2)
            #expect(!committed(try await store.commit(next, tokenHash: sampleHash("T1"), ending: before)))
            #expect(committed(try await store.commit(next, tokenHash: sampleHash("T1"), ending: after)))
        }
    }

    /// What this process could not end does not hinder it: it knows how that ended.
    @Test(arguments: StoreKind.allCases)
    func anAttemptOfThisProcessIsNoHindrance(kind: StoreKind) async throws {
        try await kind.with { store in
            let first = try sampleSession()
            _ = try await store.save(first, tokenHash: sampleHash("T0"))
            #expect(granted(try await store.begin(try intent(first, 1))))
            #expect(granted(try await store.begin(try intent(first, 2))))
        }
    }

    /// A token from a login made elsewhere: nothing of it stays but when its answer was lost.
    @Test(arguments: StoreKind.allCases)
    func aTokenThatIsOnlyPresented(kind: StoreKind) async throws {
        try await kind.with { store in
            let presented = try intent(nil, 1)
            #expect(granted(try await store.begin(presented)))
            #expect(try await store.find(sampleHash("X"))?.unfinished?.attempt == presented.attempt)
            try await store.abandon(presented)
            #expect(try await store.find(sampleHash("X")) == nil)
            #expect(try await store.load(presented.key) == nil)
            #expect(granted(try await store.begin(presented)))
            let lost = try sampleSession("alice", "X", generation: 0, state: .unknown(since: .sample))
            #expect(committed(try await store.commit(lost, tokenHash: sampleHash("X"), ending: presented)))
            let again = RotationIntent(
                attempt: AttemptID(high: 0, low: 2), session: lost, tokenHash: sampleHash("X"))
            #expect(granted(try await store.begin(again)))
            try await store.abandon(again)
            #expect(try await store.load(lost.key)?.session == lost)
        }
    }

    /// A success with a token from elsewhere is filed under its owner, with everything that found it.
    @Test(arguments: StoreKind.allCases)
    func aTokenFromElsewhereFindsItsOwner(kind: StoreKind) async throws {
        try await kind.with { store in
            let first = try sampleSession("alice", "T5", generation: 5)
            _ = try await store.save(first, tokenHash: sampleHash("T5"))
            let presented = Session(
                key: .anonymous(sampleHash("X")), token: try .sample("X"), generation: 0, expiresAt: .sample,
                rotatedAt: .sample, fingerprint: nil)
            let elsewhere = RotationIntent(
                attempt: AttemptID(high: 0, low: 1), session: presented, tokenHash: sampleHash("X"), owner: first.key)
            #expect(granted(try await store.begin(elsewhere)))
            // A rotation of the owner came first.
            let behind = try sampleSession("alice", "X1", generation: 5)
            guard
                case .fenced(let known) = try await store.commit(
                    behind, tokenHash: sampleHash("X1"), ending: elsewhere)
            else {
                Issue.record("written over another token")
                return
            }
            #expect(known == first)
            let next = try sampleSession("alice", "X1", generation: 6)
            #expect(committed(try await store.commit(next, tokenHash: sampleHash("X1"), ending: elsewhere)))
            #expect(try await store.load(presented.key) == nil)
            for token in ["T5", "X", "X1"] {
                #expect(try await store.find(sampleHash(token))?.session == next, "\(token)")
            }
        }
    }

    /// A login may bring a token that the session had long ago: from then on it is as young as any.
    @Test(arguments: StoreKind.allCases)
    func aTokenThatComesBack(kind: StoreKind) async throws {
        try await kind.with { store in
            let tokens: [(name: String, generation: UInt64, old: [String])] = [
                ("A", 1, []), ("B", 2, ["A"]), ("A", 1500, ["B"]), ("C", 1501, ["A"]),
            ]
            for (name, generation, old) in tokens {
                let session = try sampleSession("alice", name, generation: generation, old: old.map { sampleHash($0) })
                #expect(committed(try await store.save(session, tokenHash: sampleHash(name))))
                for token in [name] + old {
                    #expect(try await store.find(sampleHash(token))?.session == session, "\(token) at \(generation)")
                }
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func theLineageIsDeepAndBounded(kind: StoreKind) async throws {
        try await kind.with { store in
            for number in 1...1100 {
                let session = try sampleSession("alice", "T\(number)", generation: UInt64(number))
                _ = try await store.save(session, tokenHash: sampleHash("T\(number)"))
            }
            for number in [76, 77, 500, 1100] {
                #expect(try await store.find(sampleHash("T\(number)")) != nil, "\(number)")
            }
            // A store may remove several at a time.
            #expect(try await store.find(sampleHash("T60")) == nil)
        }
    }

    /// What ended long ago goes, then what ends first; never what is being rotated.
    @Test(arguments: StoreKind.sweeping)
    func sweeping(kind: StoreKind) async throws {
        try await kind.with { store in
            var keys: [SessionKey] = []
            for number in 0..<10 {
                var session = try sampleSession("user\(number)", "T\(number)")
                session.expiresAt = .sample + .seconds(number)
                keys.append(session.key)
                _ = try await store.save(session, tokenHash: sampleHash("T\(number)"))
                if number == 0 {
                    _ = try await store.begin(
                        RotationIntent(
                            attempt: AttemptID(high: 0, low: 1), session: session, tokenHash: sampleHash("T0")))
                }
            }
            let ended = try await store.sweep(endedBefore: .sample + .seconds(3), limit: 100)
            #expect(Set(ended) == Set(keys[1...2]))
            let tooMany = try await store.sweep(endedBefore: .sample, limit: 5)
            #expect(Set(tooMany) == Set(keys[3...5]))
            #expect(try await store.sweep(endedBefore: .sample, limit: 5).isEmpty)
            #expect(try await store.load(keys[0]) != nil)
            #expect(try await store.load(keys[6]) != nil)
            #expect(try await store.find(sampleHash("T3")) == nil)
        }
    }

    /// The rules that the explorer goes through are the store's: the same answers to the same calls, in any order.
    @Test(arguments: StoreKind.allCases)
    func everyStoreDoesWhatTheModelDoes(kind: StoreKind) async throws {
        try await kind.with { store in
            try await compareWithTheModel([store], writes: 4000, seed: 20_260_701)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func abandoningClearsItsOwnAttemptOnly(kind: StoreKind) async throws {
        try await kind.with { store in
            let first = try sampleSession()
            _ = try await store.save(first, tokenHash: sampleHash("T0"))
            _ = try await store.begin(try intent(first, 1))
            try await store.abandon(try intent(first, 9))
            #expect(try await store.load(first.key)?.unfinished != nil)
            try await store.abandon(try intent(first, 1))
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
            #expect(try await store.load(first.key)?.unfinished?.attempt == AttemptID(high: 0, low: 1))
            let login = try sampleSession("alice", "L", generation: 2)
            #expect(committed(try await store.save(login, tokenHash: sampleHash("L"))))
            let late = try sampleSession("alice", "T1", generation: 2)
            #expect(
                !committed(
                    try await store.commit(late, tokenHash: sampleHash("T1"), ending: try intent(first, 1))))
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
                            attempt: AttemptID(high: 0, low: UInt64(number)), session: first,
                            tokenHash: sampleHash("T\(number)"))
                        _ = try await store.begin(intent)
                        let next = try sampleSession("user\(number)", "N\(number)", generation: 2)
                        _ = try await store.commit(next, tokenHash: sampleHash("N\(number)"), ending: intent)
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

// How long an attempt may still be in the air is told by the store's own clock.
extension UnfinishedAttempt {
    var withoutTime: UnfinishedAttempt { UnfinishedAttempt(attempt: attempt, left: left > .zero ? .seconds(1) : .zero) }
}
extension StoredSession? {
    var withoutTime: StoredSession? {
        map { StoredSession(session: $0.session, unfinished: $0.unfinished?.withoutTime) }
    }
}
extension BeginOutcome {
    var withoutTime: BeginOutcome { if case .held(let attempt) = self { .held(attempt.withoutTime) } else { self } }
}

/// Random writes to any of the stores, which share their sessions: each gets the model's answer, and after each the states are equal:
/// what a key has, and what a hash finds.
func compareWithTheModel(_ stores: [any SessionStore], writes: Int, seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    func any<Element>(_ choices: [Element]) throws -> Element { try #require(choices.randomElement(using: &random)) }
    let first = try #require(stores.first)
    var model = StoreModel(isShared: first.isShared)
    var intents: [RotationIntent] = []
    let users = ["alice", "bob", "carol"]
    var written = 0
    while written < writes {
        let store = try any(stores)
        let user = try any(users)
        let generation = UInt64.random(in: 0...6, using: &random)
        let name = "\(user)-\(generation)\(try any(["A", "B"]))"
        let old = (0..<Int.random(in: 0...3, using: &random)).map { sampleHash("\(user)-\($0)A") }
        let session = try sampleSession(
            user, name, generation: generation, state: try any([.live, .live, .unknown(since: .sample), .dead(.lost)]),
            old: old)
        let hash = sampleHash(name)
        switch Int.random(in: 0..<9, using: &random) {
        case 0...2:
            let intent = RotationIntent(
                attempt: AttemptID(high: .random(in: 0...2, using: &random), low: UInt64(written)),
                session: session, tokenHash: hash, owner: try .sample(try any(users)),
                takesOver: intents.suffix(3).randomElement(using: &random)?.attempt, limit: .seconds(3600))
            intents.append(intent)
            let expected = model.begin(intent, at: .sample)
            #expect(try await store.begin(intent).withoutTime == expected.withoutTime, "write \(written)")
        case 3...4:
            guard let intent = intents.suffix(4).randomElement(using: &random) else { continue }
            let expected = model.commit(session, tokenHash: hash, ending: intent)
            #expect(
                try await store.commit(session, tokenHash: hash, ending: intent) == expected, "write \(written)")
        case 5:
            guard let intent = intents.suffix(4).randomElement(using: &random) else { continue }
            try await store.abandon(intent)
            model.abandon(intent)
        case 6...7:
            let expected = model.save(session, tokenHash: hash)
            #expect(try await store.save(session, tokenHash: hash) == expected, "write \(written)")
        default:
            guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
            try await store.forget(session.key)
            model.forget(session.key)
        }
        let loaded = try await (stores.last ?? first).load(session.key)
        #expect(loaded.withoutTime == model.load(session.key, at: .sample).withoutTime, "write \(written)")
        let found = try await first.find(hash)
        #expect(found.withoutTime == model.find(hash, at: .sample).withoutTime, "write \(written)")
        written += 1
    }
}
