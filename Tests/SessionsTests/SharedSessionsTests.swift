// Sessions of a store that others write to: what its news and its absence mean for those who wait.

import Model
import SessionStores
import Sessions
import TestSupport
import Testing

struct SharedSessionsTests {
    private struct Scene {
        let memory = MemoryStore(clock: ManualClock(), isShared: true)
        let store: FailingStore
        let clock = ManualClock(sleeps: true)
        let sessions: SessionCoordinator
        let alice: SessionKey

        init(_ change: (inout RotationPolicy) -> Void = { _ in }) async throws {
            var policy = RotationPolicy.patient
            change(&policy)
            store = FailingStore(memory)
            sessions = SessionCoordinator(store: store, clock: clock, policy: policy, logger: LogRecorder().logger)
            alice = try .sample("alice")
            store.tell(.following)
            await sessions.learn(
                RenewedToken(token: try .sample("T0"), life: .seconds(43_200), fingerprint: nil), for: alice,
                isLogin: true)
        }

        func session() async throws -> Session { try #require(try await sessions.session(alice)) }
        func stored() async throws -> String? { try await memory.load(alice).map { text($0.session.token.bytes) } }
        func hash(_ token: String) throws -> TokenHash {
            TokenHasher(key: memory.keys.lineage).hash(try .sample(token))
        }

        func newest() async throws -> String {
            let claim = SessionClaim(user: try .sample("alice"), token: nil)
            return switch try await sessions.newest(for: claim, renewal: Self.rotating) {
            case .session(let session): text(session.token.bytes)
            case .refused(let refusal): "refused \(refusal)"
            case .pending: "pending"
            case .failed(let result): "\(result)"
            case .foreign: "foreign"
            }
        }

        func refresh() async throws -> String {
            let claim = SessionClaim(user: try .sample("alice"), token: nil)
            return switch try await sessions.refresh(for: claim, renewal: Self.rotating) {
            case .rotated(.renewed(let session, _), _), .replay(let session), .rotated(.moved(let session), _):
                text(session.token.bytes)
            case .rotated(let result, _): "\(result)"
            case .refused(let refusal): "refused \(refusal)"
            case .pending: "pending"
            }
        }

        /// Presents T(n) and gets T(n+1).
        static let rotating = ScriptedRenewal { presentation, _ in
            let count = Int(text(presentation.token.bytes.dropFirst())) ?? -1
            return SessionToken(bytes("T\(count + 1)")).map { .renewed($0) } ?? .rejected
        }

        /// Another replica presents the newest token.
        func begunElsewhere(limit: Duration = .seconds(30)) async throws -> RotationIntent {
            let session = try await session()
            let intent = RotationIntent(
                attempt: AttemptID(high: 9, low: 1), session: session,
                tokenHash: try hash(text(session.token.bytes)), limit: limit)
            #expect(try await memory.begin(intent) == .granted)
            store.tell(.stored(try #require(try await memory.load(alice))))
            return intent
        }
    }

    /// The news of a logout overtake the answer to a question that was asked before.
    @Test func aRemovalOvertakesARead() async throws {
        let scene = try await Scene()
        scene.store.tell(.missing)
        scene.store.tell(.following)
        let gate = Gate()
        scene.store.holdAnswers(by: gate)
        let reading = Task { try await scene.newest() }
        await scene.store.loaded.wait()
        try await scene.memory.forget(scene.alice)
        scene.store.tell(.forgotten(scene.alice))
        gate.signal()
        #expect(try await reading.value == "refused unknown")
        #expect(try await scene.sessions.session(scene.alice) == nil)
    }

    /// The tenant gave a token out while the store lost the row of its attempt: memory has the only copy, and it is stored again.
    @Test func aFreshTokenWhoseRowIsLost() async throws {
        let scene = try await Scene()
        let gate = Gate()
        let renewal = ScriptedRenewal { _, _ in
            await gate.wait()
            return SessionToken(bytes("T1")).map { .renewed($0) } ?? .rejected
        }
        let claim = SessionClaim(user: try .sample("alice"), token: nil)
        let refreshing = Task { try await scene.sessions.refresh(for: claim, renewal: renewal) }
        await renewal.began.wait()
        try await scene.memory.forget(scene.alice)
        gate.signal()
        guard case .rotated(.renewed(let session, _), _) = try await refreshing.value else {
            Issue.record("the token was thrown away")
            return
        }
        #expect(try session.token == .sample("T1"))
        #expect(try await scene.stored() == "T1")
    }

    /// The tenant refuses a ticket because another replica's rotation has consumed the token: its end tells.
    @Test func aRefusalDuringARotationElsewhere() async throws {
        let scene = try await Scene()
        let session = try await scene.session()
        let intent = try await scene.begunElsewhere()
        let refused = Task {
            await scene.sessions.refused(session, WholeResponse(status: 400, fields: HeaderFields(), body: []))
        }
        let next = Session(
            key: scene.alice, token: try .sample("T1"), generation: 2, expiresAt: session.expiresAt,
            rotatedAt: session.rotatedAt, fingerprint: nil)
        #expect(try await scene.memory.commit(next, tokenHash: try scene.hash("T1"), ending: intent) == .committed)
        scene.store.tell(.stored(try #require(try await scene.memory.load(scene.alice))))
        #expect(await refused.value?.token == next.token)
        #expect(try await scene.session().state == .live)
    }

    /// The store is away and another's attempt was running: once its time has passed the session can be used again.
    @Test func anAttemptElsewhereWhileTheStoreIsAway() async throws {
        let scene = try await Scene()
        _ = try await scene.begunElsewhere()
        scene.store.fail([.load])
        await #expect(throws: StoreError.self) { try await scene.newest() }
        scene.clock.advance(by: .seconds(31))
        #expect(try await scene.newest() == "T0")
    }

    /// T1 was given out and no store has taken it; its own tries have ended up in pauses.
    private func onlyInMemory() async throws -> Scene {
        let scene = try await Scene()
        scene.store.fail([.commit, .save, .probe])
        #expect(try await scene.refresh() == "T1")
        for count in 1...3 { await scene.store.failed.wait(for: count) }
        return scene
    }

    /// What only memory has is stored as soon as the store is followed again, before another replica finds the older token.
    @Test func whatOnlyMemoryHasIsStoredWhenTheStoreIsBack() async throws {
        let scene = try await onlyInMemory()
        scene.store.fail([.load])
        scene.store.tell(.following)
        await scene.store.saved.wait(for: 2)
        #expect(try await scene.stored() == "T1")
    }

    /// And at the latest when the process is about to end, also if the store comes back only then.
    @Test func whatOnlyMemoryHasIsStoredAtTheEnd() async throws {
        let scene = try await onlyInMemory()
        let failures = scene.store.failed.count
        async let left = scene.sessions.drain(within: .seconds(60))
        await scene.store.failed.wait(for: failures + 2)
        scene.store.fail([])
        #expect(await left == 0)
        #expect(try await scene.stored() == "T1")
    }

    /// A store that stays away keeps nobody from ending; it is said how much is lost.
    @Test func anEndWithoutTheStore() async throws {
        let scene = try await onlyInMemory()
        #expect(await scene.sessions.drain(within: .milliseconds(1)) == 1)
    }
}
