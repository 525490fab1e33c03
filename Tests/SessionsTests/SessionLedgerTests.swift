// The rules of rotation as values: a claim and a moment in, a decision out.

import Model
import Sessions
import TestSupport
import Testing

/// A ledger with its clock, and one user whose session has had the tokens T0, T1 and T2.
struct LedgerScene {
    var ledger: SessionLedger
    var now = Timestamp.sample
    let hasher = TokenHasher(key: [UInt8](repeating: 7, count: 32))
    private var attempts: UInt64 = 0

    /// - Parameter isShared: whether others write to the store as well.
    init(isShared: Bool = false, _ change: (inout RotationPolicy) -> Void = { _ in }) {
        var policy = RotationPolicy()
        change(&policy)
        ledger = SessionLedger(policy: policy, hasher: hasher, process: 0, isShared: isShared)
    }

    func session(
        _ user: String, _ token: String, generation: UInt64 = 3, old: [(String, Duration)] = [],
        left: Duration = .seconds(43_200),
        state: Session.State = .live, age: Duration = .seconds(1000)
    ) throws -> Session {
        Session(
            key: try .sample(user), token: try .sample(token), generation: generation, expiresAt: now + left,
            rotatedAt: now - age,
            fingerprint: nil, state: state,
            superseded: try old.map { Session.Superseded(hash: hasher.hash(try .sample($0.0)), at: now - $0.1) })
    }

    mutating func know(_ session: Session) { ledger.publish(session) }

    mutating func decide(
        _ user: String?, _ token: String?, _ purpose: SessionPurpose, read: StoreAnswers = [:],
        rotationTried: Bool = false
    ) throws -> SessionDecision {
        attempts += 1
        return ledger.decide(
            SessionClaim(user: try user.map { try .sample($0) }, token: try token.map { try .sample($0) }),
            for: purpose, read: read,
            rotationTried: rotationTried, attempt: AttemptID(high: 0, low: attempts), at: now)
    }

    /// The decision in a word.
    static func word(_ decision: SessionDecision) -> String {
        switch decision {
        case .load(.key): "load key"
        case .load(.token): "load token"
        case .refuse(let refusal): "refuse \(refusal)"
        case .replay(let session): "replay \(text(session.token.bytes))"
        case .use(let session): "use \(text(session.token.bytes))"
        case .useForeign(let token, _): "use foreign \(text(token.bytes))"
        case .start(let intent): "present \(text(intent.token.bytes))"
        case .join(let attempt): "join \(attempt.low)"
        case .wait(let attempt): "wait \(attempt.low)"
        case .settle(let left): "settle \(left)"
        case .watch: "watch"
        }
    }
}

struct SessionLedgerTests {
    private func scene(
        state: Session.State = .live, left: Duration = .seconds(43_200), age: Duration = .seconds(1000),
        _ change: (inout RotationPolicy) -> Void = { _ in }
    ) throws -> LedgerScene {
        var scene = LedgerScene(change)
        scene.know(
            try scene.session(
                "alice", "T2", old: [("T0", .seconds(601)), ("T1", .seconds(599))], left: left, state: state, age: age))
        return scene
    }

    /// Every kind of claim on a live session that is not being rotated.
    @Test(
        arguments: [
            ("alice", nil, .refresh, "present T2"), ("alice", "T2", .refresh, "present T2"),
            ("alice", "T1", .refresh, "replay T2"),
            ("alice", "T0", .refresh, "refuse superseded"), (nil, "T2", .refresh, "present T2"),
            (nil, "T1", .refresh, "replay T2"),
            (nil, "T0", .refresh, "refuse superseded"), ("alice", nil, .use, "use T2"), ("alice", "T2", .use, "use T2"),
            ("alice", "T1", .use, "use T2"), ("alice", "T0", .use, "refuse superseded"), (nil, "T1", .use, "use T2"),
            ("bob", nil, .refresh, "load key"), ("alice", "X", .refresh, "load token"), (nil, "X", .use, "load token"),
            (nil, nil, .refresh, "refuse unknown"), (nil, nil, .use, "refuse unknown"),
        ] as [(String?, String?, SessionPurpose, String)])
    func claimsOnALiveSession(_ user: String?, _ token: String?, _ purpose: SessionPurpose, _ expected: String) throws {
        var scene = try scene()
        #expect(LedgerScene.word(try scene.decide(user, token, purpose)) == expected)
    }

    @Test func whatTheStoreDoesNotHave() throws {
        var scene = try scene()
        let key = StoreQuery.key(try .sample("bob"))
        let token = StoreQuery.token(scene.hasher.hash(try .sample("X")))
        #expect(LedgerScene.word(try scene.decide("bob", nil, .refresh, read: [key: nil])) == "refuse unknown")
        #expect(LedgerScene.word(try scene.decide("bob", "X", .use, read: [key: nil])) == "load token")
        #expect(LedgerScene.word(try scene.decide("bob", "X", .use, read: [key: nil, token: nil])) == "use foreign X")
        #expect(LedgerScene.word(try scene.decide("bob", "X", .refresh, read: [key: nil, token: nil])) == "present X")
    }

    @Test func aTokenFromALoginElsewhere() throws {
        var scene = try scene()
        let read: StoreAnswers = [.token(scene.hasher.hash(try .sample("X"))): nil]
        #expect(LedgerScene.word(try scene.decide("alice", "X", .use, read: read)) == "use foreign X")
        #expect(LedgerScene.word(try scene.decide("alice", "X", .refresh, read: read)) == "present X")
        // Presented now; one more refresh with it takes its answer. The session's own token is another matter, and whoever says
        // that the token is somebody else's is refused.
        #expect(LedgerScene.word(try scene.decide("alice", "X", .refresh, read: read)) == "join 2")
        #expect(LedgerScene.word(try scene.decide(nil, "X", .refresh, read: read)) == "join 2")
        #expect(LedgerScene.word(try scene.decide("alice", "X", .use, read: read)) == "wait 2")
        #expect(LedgerScene.word(try scene.decide("alice", nil, .use, read: read)) == "use T2")
        let asBob: StoreAnswers = read.merging([.key(try .sample("bob")): nil]) { old, _ in old }
        #expect(LedgerScene.word(try scene.decide("bob", "X", .refresh, read: asBob)) == "refuse mismatch")
    }

    @Test func anotherUsersTokenIsNeverSent() throws {
        var scene = try scene()
        scene.know(try scene.session("bob", "B1", old: [("B0", .seconds(5))]))
        for token in ["T2", "T1"] {
            for purpose in [SessionPurpose.use, .refresh] {
                #expect(LedgerScene.word(try scene.decide("bob", token, purpose)) == "refuse mismatch")
            }
        }
    }

    @Test func oneIsInTheAir() throws {
        var scene = try scene()
        guard case .start(let intent) = try scene.decide("alice", nil, .refresh) else {
            Issue.record("no attempt")
            return
        }
        #expect(LedgerScene.word(try scene.decide("alice", "T2", .refresh)) == "join 1")
        #expect(LedgerScene.word(try scene.decide("alice", "T1", .refresh)) == "join 1")
        #expect(LedgerScene.word(try scene.decide(nil, "T2", .refresh)) == "join 1")
        #expect(LedgerScene.word(try scene.decide("alice", "T2", .use)) == "wait 1")
        #expect(LedgerScene.word(try scene.decide("alice", "T0", .refresh)) == "refuse superseded")
        scene.ledger.ended(intent)
        #expect(LedgerScene.word(try scene.decide("alice", "T2", .use)) == "use T2")
    }

    @Test func theEndOfAnOlderAttemptLeavesTheRunningOne() throws {
        var scene = try scene()
        guard case .start(let first) = try scene.decide("alice", nil, .refresh) else { return }
        scene.ledger.ended(first)
        _ = try scene.decide("alice", nil, .refresh)
        scene.ledger.ended(first)
        #expect(LedgerScene.word(try scene.decide("alice", nil, .refresh)) == "join 2")
    }

    @Test func aTokenThatIsAboutToEndIsRotatedFirst() throws {
        var near = try scene(left: .seconds(59))
        #expect(LedgerScene.word(try near.decide("alice", nil, .use)) == "present T2")
        var failed = try scene(left: .seconds(59))
        #expect(LedgerScene.word(try failed.decide("alice", nil, .use, rotationTried: true)) == "use T2")
        var far = try scene(left: .seconds(60))
        #expect(LedgerScene.word(try far.decide("alice", nil, .use)) == "use T2")
    }

    @Test func theMinimumInterval() throws {
        var soon = try scene(age: .seconds(9)) { $0.minimumInterval = .seconds(10) }
        #expect(LedgerScene.word(try soon.decide("alice", "T2", .refresh)) == "replay T2")
        var later = try scene(age: .seconds(10)) { $0.minimumInterval = .seconds(10) }
        #expect(LedgerScene.word(try later.decide("alice", "T2", .refresh)) == "present T2")
        var ended = try scene(left: .zero, age: .seconds(9)) { $0.minimumInterval = .seconds(10) }
        #expect(LedgerScene.word(try ended.decide("alice", "T2", .refresh)) == "present T2")
    }

    @Test func deadStaysDeadUntilALogin() throws {
        let refusal = Session.Refusal(status: 400, contentType: [], body: [])
        for death in [Session.Death.lost, .rejected(refusal)] {
            var scene = try scene(state: .dead(death))
            for token in [nil, "T2", "T1"] {
                for purpose in [SessionPurpose.use, .refresh] {
                    guard case .refuse(.dead(death)) = try scene.decide("alice", token, purpose) else {
                        Issue.record("not refused: \(token ?? "none") \(purpose)")
                        continue
                    }
                }
            }
            let login = try #require(
                scene.ledger.learned(
                    RenewedToken(token: try .sample("L"), life: .seconds(60), fingerprint: nil),
                    for: try .sample("alice"), isLogin: true,
                    at: scene.now))
            scene.know(login)
            #expect(login.generation == 4 && login.state == .live)
            #expect(LedgerScene.word(try scene.decide("alice", "T2", .refresh)) == "replay L")
        }
    }

    /// After a lost answer nothing is presented before the tenant has settled; then it is, once.
    @Test func aLostAnswerSettlesFirst() throws {
        for (age, expected) in [(0, "settle 1.0 seconds"), (400, "settle 0.6 seconds"), (1000, "present T2")] {
            var scene = LedgerScene()
            let lost = scene.now - .milliseconds(age)
            scene.know(
                try scene.session(
                    "alice", "T2", old: [("T1", .seconds(5))], left: .seconds(50), state: .unknown(since: lost)))
            for token in [nil, "T2", "T1"] {
                var fresh = scene
                #expect(LedgerScene.word(try fresh.decide("alice", token, .refresh)) == expected)
                var using = scene
                #expect(LedgerScene.word(try using.decide("alice", token, .use)) == expected)
            }
            var tried = scene
            #expect(LedgerScene.word(try tried.decide("alice", nil, .use, rotationTried: true)) == "use T2")
        }
    }

    /// A wall clock that is set back a day does not make anybody wait a day.
    @Test func aClockSetBackDoesNotProlongTheSettling() throws {
        var scene = LedgerScene()
        scene.know(try scene.session("alice", "T2", state: .unknown(since: scene.now + .seconds(86_400))))
        #expect(LedgerScene.word(try scene.decide("alice", nil, .refresh)) == "settle 1.0 seconds")
    }

    @Test func anOlderGenerationNeverPushesOutANewerOne() throws {
        var scene = try scene()
        scene.know(try scene.session("alice", "T1", generation: 2))
        #expect(LedgerScene.word(try scene.decide("alice", nil, .use)) == "use T2")
    }

    @Test func theLineageIsBounded() throws {
        var scene = LedgerScene()
        var session = try scene.session("alice", "G0", generation: 1)
        scene.know(session)
        for number in 1...40 {
            let renewed = RenewedToken(token: try .sample("G\(number)"), life: nil, fingerprint: nil)
            session = try #require(
                scene.ledger.learned(renewed, for: try .sample("alice"), isLogin: false, at: scene.now))
            scene.know(session)
        }
        #expect(session.generation == 41)
        #expect(session.superseded.count == Session.lineageLimit)
        #expect(LedgerScene.word(try scene.decide(nil, "G39", .refresh)) == "replay G40")
        #expect(LedgerScene.word(try scene.decide(nil, "G0", .refresh)) == "load token")
    }

    @Test func whatTheStoreHasIsTakenUp() throws {
        var scene = LedgerScene()
        let stored = try scene.session("alice", "T2")
        scene.ledger.loaded(StoredSession(session: stored, unfinished: nil), at: scene.now)
        #expect(LedgerScene.word(try scene.decide("alice", nil, .refresh)) == "present T2")
    }

    /// The process died with a presentation in the air: one answer was lost. It is counted once, however often it is read.
    @Test func anUnfinishedAttemptCountsAsALostAnswer() throws {
        let over = UnfinishedAttempt(attempt: AttemptID(high: 1, low: 1), left: .zero)
        var once = LedgerScene()
        let stored = try once.session("alice", "T2")
        for _ in 0..<3 { once.ledger.loaded(StoredSession(session: stored, unfinished: over), at: once.now) }
        #expect(once.ledger.session(stored.key)?.state == .unknown(since: once.now))
        once.now = once.now + .seconds(1)
        guard case .start(let intent) = try once.decide("alice", nil, .refresh) else {
            Issue.record("not presented")
            return
        }
        // The loss goes into the store with the intent that takes the attempt over.
        #expect(intent.takesOver == over.attempt && intent.session.state == .unknown(since: once.now - .seconds(1)))
        var twice = LedgerScene()
        let lost = try twice.session("alice", "T2", state: .unknown(since: twice.now))
        twice.ledger.loaded(StoredSession(session: lost, unfinished: over), at: twice.now)
        #expect(twice.ledger.session(lost.key)?.state == .dead(.lost))
    }

    @Test func anotherReplicasAttemptIsWaitedFor() throws {
        let running = UnfinishedAttempt(attempt: AttemptID(high: 1, low: 1), left: .seconds(5))
        var scene = LedgerScene()
        let stored = try scene.session("alice", "T2")
        scene.ledger.loaded(StoredSession(session: stored, unfinished: running), at: scene.now)
        for purpose in [SessionPurpose.refresh, .exchange, .use] {
            #expect(LedgerScene.word(try scene.decide("alice", "T2", purpose)) == "watch")
        }
        // It ended well, ended without a change, or ran out of time.
        var ended = scene
        ended.ledger.loaded(
            StoredSession(session: try scene.session("alice", "T3", generation: 4), unfinished: nil), at: scene.now)
        #expect(LedgerScene.word(try ended.decide("alice", nil, .use)) == "use T3")
        var abandoned = scene
        abandoned.ledger.loaded(StoredSession(session: stored, unfinished: nil), at: scene.now)
        #expect(LedgerScene.word(try abandoned.decide("alice", nil, .refresh)) == "present T2")
        let over = UnfinishedAttempt(attempt: running.attempt, left: .zero)
        scene.ledger.loaded(StoredSession(session: stored, unfinished: over), at: scene.now)
        #expect(LedgerScene.word(try scene.decide("alice", nil, .refresh)) == "settle 1.0 seconds")
    }

    /// The tenant said when to come again: not before, and not for good.
    @Test(arguments: [("7", 7), ("86400", 300), ("soon", 1)])
    func retryAfterIsHeeded(value: String, seconds: Int) throws {
        var scene = LedgerScene()
        scene.know(try scene.session("alice", "T2", old: [("T1", .seconds(5))], left: .seconds(50)))
        guard case .start(let intent) = try scene.decide("alice", nil, .refresh) else { return }
        var fields = HeaderFields()
        fields.append(.retryAfter, value)
        let limited = RenewalOutcome.refused(answer: WholeResponse(status: 429, fields: fields, body: []))
        scene.ledger.heed(limited, of: intent, at: scene.now)
        scene.ledger.ended(intent)
        scene.now = scene.now + .seconds(seconds) - .milliseconds(1)
        #expect(
            LedgerScene.word(try scene.decide("alice", "T2", .refresh)) == "refuse resting(0.001 seconds)")
        #expect(LedgerScene.word(try scene.decide("alice", "T1", .refresh)) == "replay T2")
        // A token that is still good is used meanwhile.
        let word = LedgerScene.word(try scene.decide("alice", nil, .use))
        #expect(word == (seconds < 50 ? "use T2" : "refuse resting(0.001 seconds)"))
        scene.now = scene.now + .milliseconds(1)
        #expect(LedgerScene.word(try scene.decide("alice", nil, .refresh)) == "present T2")
    }

    /// Nothing says when a token older than the session remembers was replaced: it is not presented.
    @Test func aTokenOlderThanTheSessionRemembersIsSuperseded() throws {
        var scene = try scene()
        let read: StoreAnswers = [.token(scene.hasher.hash(try .sample("T-9"))): try .sample("alice")]
        for user in ["alice", nil] {
            #expect(LedgerScene.word(try scene.decide(user, "T-9", .refresh, read: read)) == "refuse superseded")
        }
    }

    @Test func memoryIsBoundedByWhatWasNotAskedFor() throws {
        var scene = LedgerScene { $0.memoryLimit = 100 }
        for number in 0..<1000 {
            scene.know(try scene.session("user\(number)", "U\(number)"))
            // One that is asked for all the time, and one whose token is in the air.
            _ = try scene.decide("user0", nil, .use)
            if number == 1 { _ = try scene.decide("user1", nil, .refresh) }
        }
        #expect(scene.ledger.count <= 116)
        #expect(LedgerScene.word(try scene.decide("user0", nil, .use)) == "use U0")
        #expect(LedgerScene.word(try scene.decide("user1", nil, .refresh)).hasPrefix("join"))
        #expect(LedgerScene.word(try scene.decide("user2", nil, .use)) == "load key")
        #expect(LedgerScene.word(try scene.decide(nil, "U2", .use)) == "load token")
        // What comes back from the store is as it was.
        scene.ledger.loaded(
            StoredSession(session: try scene.session("user2", "U2"), unfinished: nil), at: scene.now)
        #expect(LedgerScene.word(try scene.decide(nil, "U2", .use)) == "use U2")
    }
}
