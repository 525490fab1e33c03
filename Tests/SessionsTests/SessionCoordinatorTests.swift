// Waiting and doing: one presentation at a time, durable before it is told, and nobody's to cancel.

import Model
import SessionStores
import Sessions
import TestSupport
import Testing

struct SessionCoordinatorTests {
    private struct Scene {
        let store: FailingStore
        let clock: ManualClock
        let log = LogRecorder()
        let sessions: SessionCoordinator
        let alice: SessionKey

        init(
            _ change: (inout RotationPolicy) -> Void = { _ in },
            memory: MemoryStore = MemoryStore(clock: ManualClock()), clock: ManualClock = ManualClock()
        ) throws {
            self.clock = clock
            var policy = RotationPolicy.patient
            change(&policy)
            store = FailingStore(memory)
            sessions = SessionCoordinator(store: store, clock: clock, policy: policy, logger: log.logger)
            alice = try .sample("alice")
        }

        func claim(_ token: String? = nil) throws -> SessionClaim {
            SessionClaim(user: try .sample("alice"), token: try token.map { try .sample($0) })
        }

        /// alice has logged in and holds T0.
        func loggedIn(life: Duration = .seconds(43_200)) async throws -> Scene {
            await sessions.learn(
                RenewedToken(token: try .sample("T0"), life: life, fingerprint: nil), for: alice, isLogin: true)
            return self
        }

        func stored() async throws -> String? { try await store.load(alice).map { text($0.session.token.bytes) } }
    }

    /// Presents T(n) and gets T(n+1).
    private static func rotating(_ gate: Gate? = nil) -> ScriptedRenewal {
        ScriptedRenewal { presentation, number in
            if let gate { await gate.wait(for: number) }
            let count = Int(text(presentation.token.bytes.dropFirst())) ?? -1
            guard let next = SessionToken(bytes("T\(count + 1)")) else { return .rejected }
            return .renewed(next)
        }
    }

    private func token(_ refreshed: RefreshedSession) -> String {
        switch refreshed {
        case .rotated(.renewed(let session, _), _), .replay(let session), .rotated(.moved(let session), _):
            text(session.token.bytes)
        case .rotated(let result, _): "\(result)"
        case .refused(let refusal): "refused \(refusal)"
        case .pending: "pending"
        }
    }

    @Test func twoHundredCallersAreOnePresentation() async throws {
        let scene = try await Scene().loggedIn()
        let gate = Gate()
        let renewal = Self.rotating(gate)
        let claim = try scene.claim("T0")
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<200 { group.addTask { token(try await scene.sessions.refresh(for: claim, renewal: renewal)) } }
            await renewal.began.wait()
            gate.signal()
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(tokens == ["T1"])
        #expect(renewal.presented.count == 1)
        #expect(try await scene.stored() == "T1")
    }

    @Test func usersDoNotWaitForEachOther() async throws {
        let scene = try await Scene().loggedIn()
        let bob = try SessionKey.sample("bob")
        await scene.sessions.learn(
            RenewedToken(token: try .sample("T7"), life: nil, fingerprint: nil), for: bob, isLogin: true)
        let never = Gate()
        let slow = Self.rotating(never)
        let waiting = Task { token(try await scene.sessions.refresh(for: try scene.claim(), renewal: slow)) }
        await slow.began.wait()
        let other = try await scene.sessions.refresh(
            for: SessionClaim(user: .sample("bob"), token: nil), renewal: Self.rotating())
        #expect(token(other) == "T8")
        never.signal()
        #expect(try await waiting.value == "T1")
    }

    @Test func aCallerThatLeavesChangesNothing() async throws {
        let scene = try await Scene().loggedIn()
        let gate = Gate()
        let renewal = Self.rotating(gate)
        let claim = try scene.claim()
        let leaving = Task { token(try await scene.sessions.refresh(for: claim, renewal: renewal)) }
        await renewal.began.wait()
        let staying = Task { token(try await scene.sessions.refresh(for: claim, renewal: renewal)) }
        leaving.cancel()
        #expect(try await leaving.value == "pending")
        gate.signal()
        #expect(try await staying.value == "T1")
        #expect(renewal.presented.count == 1)
    }

    @Test func patienceEndsButTheRotationDoesNot() async throws {
        let scene = try await Scene({ $0.refreshWait = .milliseconds(1) }).loggedIn()
        let gate = Gate()
        let renewal = Self.rotating(gate)
        #expect(token(try await scene.sessions.refresh(for: try scene.claim("T0"), renewal: renewal)) == "pending")
        gate.signal()
        #expect(await scene.sessions.drain(within: .zero) == 0)
        #expect(try await scene.stored() == "T1")
        // The app that retries after its timeout is not logged out.
        #expect(token(try await scene.sessions.refresh(for: try scene.claim("T0"), renewal: renewal)) == "T1")
        #expect(renewal.presented.count == 1)
    }

    @Test func replayWithinGraceThenSuperseded() async throws {
        let scene = try await Scene().loggedIn()
        let renewal = Self.rotating()
        #expect(token(try await scene.sessions.refresh(for: try scene.claim("T0"), renewal: renewal)) == "T1")
        #expect(token(try await scene.sessions.refresh(for: try scene.claim("T1"), renewal: renewal)) == "T2")
        scene.clock.advance(by: .seconds(599))
        #expect(token(try await scene.sessions.refresh(for: try scene.claim("T0"), renewal: renewal)) == "T2")
        scene.clock.advance(by: .seconds(1))
        #expect(
            token(try await scene.sessions.refresh(for: try scene.claim("T0"), renewal: renewal))
                == "refused superseded")
        #expect(renewal.presented.count == 2)
    }

    @Test func graceSurvivesARestart() async throws {
        let memory = MemoryStore(clock: ManualClock())
        let before = try await Scene(memory: memory).loggedIn()
        _ = try await before.sessions.refresh(for: try before.claim("T0"), renewal: Self.rotating())
        let after = try Scene(memory: memory)
        let renewal = Self.rotating()
        #expect(
            token(
                try await after.sessions.refresh(for: SessionClaim(user: nil, token: .sample("T0")), renewal: renewal))
                == "T1")
        #expect(renewal.presented.isEmpty)
    }

    @Test func aRejectedSessionIsAskedOnce() async throws {
        let scene = try await Scene().loggedIn()
        let renewal = ScriptedRenewal { _, _ in .rejected }
        guard
            case .rotated(.refused(let answer), _) = try await scene.sessions.refresh(
                for: try scene.claim(), renewal: renewal)
        else {
            Issue.record("not refused")
            return
        }
        #expect(answer.status == 400)
        for token in ["T0", nil] {
            guard
                case .refused(.dead(.rejected)) = try await scene.sessions.refresh(
                    for: try scene.claim(token), renewal: renewal)
            else {
                Issue.record("not dead")
                return
            }
        }
        #expect(renewal.presented.count == 1)
    }

    /// Whoever asked waits for the one more presentation; a second loss is the end, and nothing more is presented.
    @Test func twoLostAnswersEndTheSession() async throws {
        for second in [RenewalOutcome.reset, .failed, .rejected] {
            let scene = try await Scene().loggedIn()
            let renewal = ScriptedRenewal { _, number in number == 1 ? .reset : second }
            let started = scene.clock.now()
            guard
                case .rotated(.sessionLost, _) = try await scene.sessions.refresh(
                    for: try scene.claim(), renewal: renewal),
                case .refused(.dead(.lost)) = try await scene.sessions.refresh(for: try scene.claim(), renewal: renewal)
            else {
                Issue.record("not lost")
                continue
            }
            #expect(renewal.presented.count == 2)
            #expect(scene.clock.now() - started >= .seconds(1))
        }
    }

    @Test func aLostAnswerThatTheTenantHadNotProcessedHeals() async throws {
        let scene = try await Scene().loggedIn()
        let gate = Gate()
        let renewal = ScriptedRenewal { presentation, number in
            if number == 1 {
                await gate.wait()
                return .failed
            }
            return SessionToken(bytes("T1")).map { .renewed($0) } ?? .rejected
        }
        let claim = try scene.claim()
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 {
                group.addTask { token(try await scene.sessions.refresh(for: claim, renewal: renewal)) }
            }
            await renewal.began.wait()
            gate.signal()
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(tokens == ["T1"])
        // Whoever comes late enough rotates the token that came of it.
        let lost = try SessionToken.sample("T0")
        #expect(renewal.presented.count { $0 == lost } == 2 && renewal.mostInTheAir == 1)
    }

    @Test func retireNeverPresentsTwice() async throws {
        let scene = try await Scene({ $0.lostAnswer = .retire }).loggedIn()
        let renewal = ScriptedRenewal { _, _ in .reset }
        guard
            case .rotated(.sessionLost, _) = try await scene.sessions.refresh(for: try scene.claim(), renewal: renewal)
        else {
            Issue.record("not lost")
            return
        }
        #expect(renewal.presented.count == 1)
    }

    /// Nothing was sent, so trying again is safe; the last word is passed on and the session lives.
    @Test func anUnreachableTenantIsTriedAgain() async throws {
        let scene = try await Scene().loggedIn()
        let healed = ScriptedRenewal { _, number in
            number < 3 ? .unreachable : SessionToken(bytes("T1")).map { .renewed($0) } ?? .rejected
        }
        #expect(token(try await scene.sessions.refresh(for: try scene.claim(), renewal: healed)) == "T1")
        let down = ScriptedRenewal { _, _ in .unreachable }
        guard case .rotated(.fault, _) = try await scene.sessions.refresh(for: try scene.claim(), renewal: down) else {
            Issue.record("no fault")
            return
        }
        #expect(down.presented.count == 3)
        #expect(try await scene.sessions.session(scene.alice)?.state == .live)
    }

    @Test func nothingIsPresentedThatCouldNotBeStored() async throws {
        let scene = try await Scene().loggedIn()
        scene.store.fail([.begin, .probe])
        let renewal = Self.rotating()
        guard
            case .rotated(.storeFailed, _) = try await scene.sessions.refresh(for: try scene.claim(), renewal: renewal)
        else {
            Issue.record("not refused")
            return
        }
        #expect(renewal.presented.isEmpty)
        // Unready until a write goes through again; that is tried without being asked for.
        #expect(!scene.sessions.isWritable)
        scene.store.fail([])
        await scene.store.probed.wait()
        #expect(token(try await scene.sessions.refresh(for: try scene.claim(), renewal: renewal)) == "T1")
        #expect(scene.sessions.isWritable)
    }

    /// Contract 7.9: the app gets its token, memory keeps it, and it reaches the store when the store is back.
    @Test func aTokenThatTheStoreDoesNotTakeIsNotLost() async throws {
        let scene = try await Scene().loggedIn()
        scene.store.fail([.commit, .save])
        let renewal = Self.rotating()
        #expect(token(try await scene.sessions.refresh(for: try scene.claim("T0"), renewal: renewal)) == "T1")
        #expect(!scene.sessions.isDurable)
        #expect(try await scene.stored() == "T0")
        // Still the newest for everybody, and no further rotation begins over it.
        #expect(token(try await scene.sessions.refresh(for: try scene.claim("T0"), renewal: renewal)) == "T1")
        guard
            case .rotated(.storeFailed, _) = try await scene.sessions.refresh(
                for: try scene.claim("T1"), renewal: renewal)
        else {
            Issue.record("a rotation began that could not be stored")
            return
        }
        #expect(renewal.presented.count == 1)
        scene.store.fail([])
        #expect(token(try await scene.sessions.refresh(for: try scene.claim("T1"), renewal: renewal)) == "T2")
        #expect(try await scene.stored() == "T2")
        #expect(scene.sessions.isDurable)
    }

    @Test func aTokenKeptInMemoryIsSavedWithoutBeingAskedFor() async throws {
        let scene = try await Scene().loggedIn()
        scene.store.fail([.commit])
        let before = scene.store.saved.count
        _ = try await scene.sessions.refresh(for: try scene.claim("T0"), renewal: Self.rotating())
        await scene.store.saved.wait(for: before + 1)
        #expect(try await scene.stored() == "T1")
    }

    @Test func aLoginDuringARotationWins() async throws {
        let scene = try await Scene().loggedIn()
        let gate = Gate()
        let renewal = Self.rotating(gate)
        let claim = try scene.claim()
        let rotating = Task { token(try await scene.sessions.refresh(for: claim, renewal: renewal)) }
        await renewal.began.wait()
        await scene.sessions.learn(
            RenewedToken(token: try .sample("L0"), life: nil, fingerprint: nil), for: scene.alice, isLogin: true)
        gate.signal()
        #expect(try await rotating.value == "L0")
        #expect(try await scene.stored() == "L0")
    }

    /// A pin writes the same generation: it must not fence off a rotation that is in the air.
    @Test func aPinDuringARotationLosesNothing() async throws {
        let scene = try await Scene().loggedIn()
        let gate = Gate()
        let renewal = Self.rotating(gate)
        let claim = try scene.claim()
        let rotating = Task { token(try await scene.sessions.refresh(for: claim, renewal: renewal)) }
        await renewal.began.wait()
        let session = try #require(try await scene.sessions.session(scene.alice))
        await scene.sessions.pin(try .sample("FP"), to: session)
        gate.signal()
        #expect(try await rotating.value == "T1")
        let stored = try #require(try await scene.store.load(scene.alice))
        #expect(try stored.session.token == .sample("T1") && stored.session.fingerprint == .sample("FP"))
        #expect(stored.unfinished == nil)
    }

    /// An exchange shares nobody's answer, and nobody shares its: each is one presentation after the other.
    @Test func exchangesAndRefreshesTakeTurns() async throws {
        let scene = try await Scene().loggedIn()
        let renewal = Self.rotating()
        let claim = try scene.claim("T0")
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    token(try await scene.sessions.refresh(for: claim, as: .exchange, renewal: renewal))
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(tokens == Set((1...10).map { "T\($0)" }))
        #expect(renewal.presented.count == 10 && renewal.mostInTheAir == 1)
        let gate = Gate()
        let slow = Self.rotating(gate)
        let exchanging = Task {
            token(try await scene.sessions.refresh(for: claim, as: .exchange, renewal: slow))
        }
        await slow.began.wait()
        let refreshing = Task { token(try await scene.sessions.refresh(for: claim, renewal: slow)) }
        gate.signal()
        #expect(try await exchanging.value == "T11")
        // The refresh presented a token that the exchange has replaced a moment ago.
        #expect(try await refreshing.value == "T11")
    }

    // MARK: a second replica

    /// Two coordinators on one store take turns: each generation is presented once, by whichever.
    @Test func twoReplicasPresentEachGenerationOnce() async throws {
        let memory = MemoryStore(clock: ManualClock(), isShared: true)
        // They look into the store now and then: in real time, so that the rules' time stands still.
        let clock = ManualClock(sleeps: true)
        let first = try await Scene(memory: memory, clock: clock).loggedIn()
        let replicas = [first.sessions, try Scene(memory: memory, clock: clock).sessions]
        let renewal = Self.rotating()
        for round in 0..<20 {
            let claim = SessionClaim(user: nil, token: try .sample("T\(round)"))
            let tokens = try await withThrowingTaskGroup(of: String.self) { group in
                for caller in 0..<20 {
                    group.addTask {
                        token(try await replicas[caller % 2].refresh(for: claim, renewal: renewal))
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(tokens == ["T\(round + 1)"])
        }
        #expect(renewal.presented.count == 20 && renewal.mostInTheAir == 1)
    }

    /// The other replica died with the answer in the air: its limit passes by the store's clock, the tenant settles, one probe.
    @Test func aDeadReplicasAttemptIsTakenOver() async throws {
        let clock = ManualClock()
        let memory = MemoryStore(clock: clock, isShared: true)
        let scene = try await Scene({ $0.settle = .zero }, memory: memory, clock: ManualClock(sleeps: true)).loggedIn()
        let session = try #require(try await scene.sessions.session(scene.alice))
        let hash = TokenHasher(key: memory.keys.lineage).hash(session.token)
        let dead = RotationIntent(attempt: AttemptID(high: 1, low: 1), session: session, tokenHash: hash)
        guard case .granted = try await memory.begin(dead) else {
            Issue.record("not begun")
            return
        }
        let renewal = Self.rotating()
        let claim = try scene.claim("T0")
        let refreshing = Task { token(try await scene.sessions.refresh(for: claim, renewal: renewal)) }
        // Held by the first look at least.
        await scene.store.loaded.wait(for: scene.store.loaded.count + 2)
        #expect(renewal.presented.isEmpty)
        clock.advance(by: .seconds(31))
        #expect(try await refreshing.value == "T1")
        #expect(renewal.presented.count == 1)
    }

    // MARK: what the store does not take, and what it removes

    /// Contract 7.9 for logins: the tenant gave the token out, so that there is no other copy.
    @Test func aLoginThatTheStoreDoesNotTakeIsNotLost() async throws {
        let scene = try await Scene().loggedIn()
        scene.store.fail([.save, .probe])
        await scene.sessions.learn(
            RenewedToken(token: try .sample("L0"), life: nil, fingerprint: nil), for: scene.alice, isLogin: true)
        #expect(try await newest(scene, nil, Self.rotating()) == "session L0")
        #expect(!scene.sessions.isDurable && !scene.sessions.isWritable)
        let before = scene.store.saved.count
        scene.store.fail([])
        await scene.store.saved.wait(for: before + 1)
        #expect(try await scene.stored() == "L0")
    }

    /// Even when it could not be read what was there before.
    @Test func aLoginOverAnUnreadStoreWins() async throws {
        let memory = MemoryStore(clock: ManualClock())
        let before = try await Scene(memory: memory).loggedIn()
        _ = try await before.sessions.refresh(for: try before.claim(), renewal: Self.rotating())
        let scene = try Scene(memory: memory)
        scene.store.fail([.load, .save, .probe])
        await scene.sessions.learn(
            RenewedToken(token: try .sample("L0"), life: nil, fingerprint: nil), for: scene.alice, isLogin: true)
        scene.store.fail([])
        await scene.store.saved.wait(for: 2)
        #expect(try await scene.stored() == "L0")
        #expect(try await newest(scene, "T1", Self.rotating()) == "session L0")
    }

    /// An app that hands a token over still has it: it is told that it was not taken.
    @Test func aHandOverThatTheStoreDoesNotTakeIsRefused() async throws {
        let scene = try await Scene().loggedIn()
        scene.store.fail([.save])
        let handed = RenewedToken(token: try .sample("H0"), life: nil, fingerprint: nil)
        await #expect(throws: StoreError.self) {
            try await scene.sessions.take(handed, for: scene.alice, isLogin: true)
        }
        #expect(try await newest(scene, nil, Self.rotating()) == "session T0")
    }

    @Test func endedSessionsAreSweptAfterADay() async throws {
        let scene = try await Scene().loggedIn(life: .seconds(100))
        scene.clock.advance(by: .seconds(100 + 86_400))
        try await scene.sessions.sweep(limit: 10)
        #expect(try await scene.stored() == "T0")
        scene.clock.advance(by: .seconds(1))
        try await scene.sessions.sweep(limit: 10)
        #expect(try await scene.stored() == nil)
        #expect(try await newest(scene, nil, Self.rotating()) == "refused unknown")
    }

    /// The store has forgotten the session while memory knew it: the rotation notices before it presents anything.
    @Test func aSessionRemovedFromTheStoreIsNotPresented() async throws {
        let scene = try await Scene().loggedIn()
        try await scene.store.forget(scene.alice)
        let renewal = Self.rotating()
        #expect(token(try await scene.sessions.refresh(for: try scene.claim(), renewal: renewal)) == "refused unknown")
        #expect(renewal.presented.isEmpty)
    }

    // MARK: a token from a login made elsewhere

    /// Its answer was lost: it is presented once more, however often the app comes, and the session that is known stays.
    @Test func aForeignTokenWhoseAnswerIsLostIsPresentedTwiceAtMost() async throws {
        let scene = try await Scene().loggedIn()
        let renewal = ScriptedRenewal { _, _ in .reset }
        let claim = try scene.claim("X")
        for _ in 0..<3 { _ = try await scene.sessions.refresh(for: claim, renewal: renewal) }
        #expect(renewal.presented.count == 2)
        guard case .refused(.dead(.lost)) = try await scene.sessions.refresh(for: claim, renewal: renewal) else {
            Issue.record("not lost")
            return
        }
        #expect(try await newest(scene, "T0", renewal) == "session T0")
    }

    @Test func aForeignTokenAndTheSessionsOwnRotateSideBySide() async throws {
        let scene = try await Scene().loggedIn()
        let gate = Gate()
        let elsewhere = Self.rotating(gate)
        let claim = try scene.claim("T70")
        let foreign = Task { token(try await scene.sessions.refresh(for: claim, renewal: elsewhere)) }
        await elsewhere.began.wait()
        #expect(token(try await scene.sessions.refresh(for: try scene.claim("T0"), renewal: Self.rotating())) == "T1")
        gate.signal()
        #expect(try await foreign.value == "T71")
        #expect(try await scene.stored() == "T71")
        for old in ["T70", "T0", "T1"] {
            #expect(try await newest(scene, old, Self.rotating()) == "session T71", "\(old)")
        }
    }

    // MARK: clocks

    /// The wall clock jumps: the token is refreshed once where it seems to be at its end, and never in a loop.
    @Test(arguments: [3600, -3600, 86_400, -86_400])
    func aClockJumpRefreshesAtMostOnce(seconds: Int) async throws {
        let scene = try await Scene().loggedIn(life: .seconds(1800))
        let renewal = ScriptedRenewal { presentation, _ in
            SessionToken(presentation.token.bytes + bytes("+")).map { .renewed($0, life: .seconds(1800)) } ?? .rejected
        }
        scene.clock.advance(by: .seconds(seconds))
        for _ in 0..<20 { _ = try await scene.sessions.newest(for: try scene.claim(), renewal: renewal) }
        #expect(renewal.presented.count == (seconds > 0 ? 1 : 0))
        scene.clock.advance(by: .seconds(-seconds))
        for _ in 0..<20 { _ = try await scene.sessions.newest(for: try scene.claim(), renewal: renewal) }
        #expect(renewal.presented.count == (seconds > 0 ? 1 : 0))
    }

    /// After an attempt's limit the tenant gets nothing; its caller is told.
    @Test func nothingIsSentAfterTheLimit() async throws {
        let scene = try await Scene({ $0.attemptLimit = .zero }).loggedIn()
        let renewal = Self.rotating()
        guard
            case .rotated(.fault(.outOfTime), _) = try await scene.sessions.refresh(
                for: try scene.claim(), renewal: renewal)
        else {
            Issue.record("not out of time")
            return
        }
        #expect(renewal.presented.isEmpty)
    }

    /// What is in the air at the limit is cut off; its answer is lost.
    @Test func anAttemptIsCutOffAtItsLimit() async throws {
        for limit in RotationPolicy.growingLimits {
            let scene = try await Scene({ $0.attemptLimit = limit }).loggedIn()
            let never = ScriptedRenewal { _, _ in
                // As a transport does: a cancelled transfer's answer is lost.
                while !Task.isCancelled { await Task.yield() }
                return .reset
            }
            let result = try await scene.sessions.refresh(for: try scene.claim(), renewal: never)
            guard never.presented.count >= 2 else { continue }
            #expect(never.presented.count == 2)
            guard case .rotated(.sessionLost, _) = result else {
                Issue.record("not cut off: \(result)")
                return
            }
            return
        }
        Issue.record("fewer than two presentations within any limit")
    }

    // MARK: calls that use the newest token

    private func newest(_ scene: Scene, _ token: String?, _ renewal: ScriptedRenewal) async throws -> String {
        switch try await scene.sessions.newest(for: try scene.claim(token), renewal: renewal) {
        case .session(let session): "session \(text(session.token.bytes))"
        case .foreign(let token, _): "foreign \(text(token.bytes))"
        case .refused(let refusal): "refused \(refusal)"
        case .pending: "pending"
        case .failed: "failed"
        }
    }

    @Test func aCallDuringARotationWaitsForIt() async throws {
        let scene = try await Scene().loggedIn()
        let gate = Gate()
        let renewal = Self.rotating(gate)
        let claim = try scene.claim()
        let rotating = Task { token(try await scene.sessions.refresh(for: claim, renewal: renewal)) }
        await renewal.began.wait()
        let using = Task { try await newest(scene, "T0", renewal) }
        gate.signal()
        #expect(try await using.value == "session T1")
        #expect(try await rotating.value == "T1")
    }

    @Test func aCallWithATokenNearItsEndIsPrecededByARotation() async throws {
        let scene = try await Scene().loggedIn(life: .seconds(30))
        #expect(try await newest(scene, nil, Self.rotating()) == "session T1")
        let failing = try await Scene().loggedIn(life: .seconds(30))
        let down = ScriptedRenewal { _, _ in .unreachable }
        #expect(try await newest(failing, nil, down) == "session T0")
        failing.clock.advance(by: .seconds(30))
        #expect(try await newest(failing, nil, down) == "failed")
    }

    @Test func onlyARefusalOfTheNewestGenerationSaysAnything() async throws {
        let scene = try await Scene().loggedIn()
        let old = try #require(try await scene.sessions.session(scene.alice))
        _ = try await scene.sessions.refresh(for: try scene.claim(), renewal: Self.rotating())
        let refusal = WholeResponse(status: 400, fields: HeaderFields(), body: [])
        let newer = try #require(await scene.sessions.refused(old, refusal))
        #expect(try newer.token == .sample("T1"))
        #expect(await scene.sessions.refused(newer, refusal) == nil)
        #expect(try await newest(scene, nil, Self.rotating()).hasPrefix("refused dead"))
    }

    /// The tenant refused a ticket because the rotation beside it has consumed the token.
    @Test func aRefusalDuringARotationWaitsForItsEnd() async throws {
        let scene = try await Scene().loggedIn()
        let old = try #require(try await scene.sessions.session(scene.alice))
        let gate = Gate()
        let renewal = Self.rotating(gate)
        let claim = try scene.claim()
        let rotating = Task { token(try await scene.sessions.refresh(for: claim, renewal: renewal)) }
        await renewal.began.wait()
        let refused = Task {
            await scene.sessions.refused(old, WholeResponse(status: 400, fields: HeaderFields(), body: []))
        }
        gate.signal()
        #expect(try await rotating.value == "T1")
        #expect(try await refused.value?.token == .sample("T1"))
        #expect(try await newest(scene, nil, Self.rotating()) == "session T1")
    }

    @Test func manyUsersAndOrders() async throws {
        let scene = try Scene()
        let renewal = Self.rotating()
        for user in 0..<50 {
            await scene.sessions.learn(
                RenewedToken(token: try .sample("T\(user * 1000)"), life: nil, fingerprint: nil),
                for: try .sample("user\(user)"), isLogin: true)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<20 {
                group.addTask {
                    for round in 0..<50 {
                        let user = (worker * 7 + round * 13) % 50
                        let claim = SessionClaim(user: try .sample("user\(user)"), token: nil)
                        let found: SessionToken? =
                            if round % 3 == 0,
                                case .session(let session) = try await scene.sessions.newest(
                                    for: claim, renewal: renewal)
                            {
                                session.token
                            } else if case .rotated(.renewed(let session, _), _) = try await scene.sessions.refresh(
                                for: claim, renewal: renewal)
                            {
                                session.token
                            } else { nil }
                        let number = try #require(found.flatMap { Int(text($0.bytes.dropFirst())) })
                        #expect(number / 1000 == user)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(renewal.mostInTheAir == 1)
        #expect(Set(renewal.presented).count == renewal.presented.count)
    }
}
