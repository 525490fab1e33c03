// A store that others write to as well: when memory may answer, and what news of others mean.

import Model
import Sessions
import TestSupport
import Testing

struct SharedLedgerTests {
    private func scene(following: Bool) throws -> LedgerScene {
        var scene = LedgerScene(isShared: true)
        if following { scene.ledger.follows(true) }
        scene.ledger.loaded(StoredSession(session: try scene.session("alice", "T0"), unfinished: nil), at: scene.now)
        return scene
    }

    private func word(
        _ scene: inout LedgerScene, _ purpose: SessionPurpose = .use, token: String? = nil, read: StoreAnswers = [:]
    ) throws -> String {
        LedgerScene.word(try scene.decide("alice", token, purpose, read: read))
    }

    private func other(_ scene: LedgerScene, left: Duration = .seconds(30)) -> UnfinishedAttempt {
        UnfinishedAttempt(attempt: AttemptID(high: 9, low: 1), left: left)
    }

    /// Nobody tells of the others: the store is asked for every claim, once.
    @Test func withoutNewsTheStoreIsAsked() throws {
        var scene = try scene(following: false)
        #expect(try word(&scene) == "load key")
        #expect(try word(&scene, token: "T0") == "load key")
        let alice: SessionKey = try .sample("alice")
        #expect(try word(&scene, read: [.key(alice): alice]) == "use T0")
    }

    @Test func withNewsMemoryAnswers() throws {
        var scene = try scene(following: true)
        #expect(try word(&scene) == "use T0")
        #expect(try word(&scene, token: "T0") == "use T0")
    }

    /// What was read before may be out of date when the news begin; what is read after is not, until they end.
    @Test func whatWasReadBeforeTheNewsIsReadAgain() throws {
        var scene = try scene(following: true)
        scene.ledger.follows(false)
        #expect(try word(&scene) == "load key")
        scene.ledger.follows(true)
        #expect(try word(&scene) == "load key")
        scene.ledger.loaded(StoredSession(session: try scene.session("alice", "T0"), unfinished: nil), at: scene.now)
        #expect(try word(&scene) == "use T0")
    }

    /// An answer to a question that was asked before the news began says nothing about now.
    @Test func anAnswerThatIsOlderThanTheNews() throws {
        var scene = try scene(following: true)
        scene.ledger.follows(false)
        let asked = scene.ledger.asks()
        scene.ledger.follows(true)
        let stored = StoredSession(session: try scene.session("alice", "T0"), unfinished: nil)
        scene.ledger.loaded(stored, asked: asked, at: scene.now)
        scene.ledger.answered()
        #expect(try word(&scene) == "load key")
    }

    @Test func newsOfANewerToken() throws {
        var scene = try scene(following: true)
        let newer = try scene.session("alice", "T1", generation: 4, old: [("T0", .zero)])
        scene.ledger.heard(StoredSession(session: newer, unfinished: nil), isWanted: false, at: scene.now)
        #expect(try word(&scene, token: "T0") == "use T1")
        #expect(try word(&scene, .refresh, token: "T0") == "replay T1")
        // Late news of the token before change nothing, and their attempt is over.
        let late = StoredSession(session: try scene.session("alice", "T0"), unfinished: other(scene))
        scene.ledger.heard(late, isWanted: false, at: scene.now)
        #expect(try word(&scene) == "use T1")
    }

    /// Another replica presents the token: calls wait, until it is told what came of it.
    @Test func newsOfAnAttempt() throws {
        var scene = try scene(following: true)
        let session = try scene.session("alice", "T0")
        scene.ledger.heard(StoredSession(session: session, unfinished: other(scene)), isWanted: false, at: scene.now)
        #expect(try word(&scene) == "watch")
        #expect(try word(&scene, .refresh) == "watch")
        scene.ledger.heard(StoredSession(session: session, unfinished: nil), isWanted: false, at: scene.now)
        #expect(try word(&scene) == "use T0")
        // One that is over and whose end nobody wrote counts as lost, once.
        let over = StoredSession(session: session, unfinished: other(scene, left: .zero))
        scene.ledger.heard(over, isWanted: false, at: scene.now)
        #expect(scene.ledger.session(session.key)?.state == .unknown(since: scene.now))
    }

    /// Memory is for those who are asked for here: news of others fill it only where somebody is just reading.
    @Test func newsOfSessionsThatNobodyAskedFor() throws {
        var scene = try scene(following: true)
        let bob = StoredSession(session: try scene.session("bob", "B0"), unfinished: nil)
        scene.ledger.heard(bob, isWanted: false, at: scene.now)
        #expect(scene.ledger.count == 1)
        scene.ledger.heard(bob, isWanted: true, at: scene.now)
        #expect(scene.ledger.count == 2)
    }

    /// Gone from the store: gone here, unless a presentation of it is in the air.
    @Test func aSessionThatTheStoreDoesNotHave() throws {
        var scene = try scene(following: true)
        let alice: SessionKey = try .sample("alice")
        #expect(try word(&scene, .refresh) == "present T0")
        scene.ledger.missing(alice)
        #expect(scene.ledger.session(alice) != nil)
        var idle = try self.scene(following: true)
        idle.ledger.missing(alice)
        #expect(idle.ledger.session(alice) == nil)
    }

    /// Removed while it is being read: the answer is older than the removal and brings nothing back, neither the old session nor
    /// over a login that came since.
    @Test func aRemovalWhileReading() throws {
        let alice: SessionKey = try .sample("alice")
        var scene = try scene(following: true)
        let old = StoredSession(session: try scene.session("alice", "T0", generation: 7), unfinished: nil)
        let asked = scene.ledger.asks()
        scene.ledger.heardRemoval(of: alice)
        var isThere = scene.ledger.loaded(old, asked: asked, at: scene.now)
        #expect(!isThere && scene.ledger.session(alice) == nil)
        let login = try scene.session("alice", "L0", generation: 1)
        scene.ledger.heard(StoredSession(session: login, unfinished: nil), isWanted: false, at: scene.now)
        isThere = scene.ledger.loaded(old, asked: asked, at: scene.now)
        #expect(!isThere && scene.ledger.session(alice)?.token == login.token)
        scene.ledger.answered()
        // What is asked from then on counts again.
        let later = scene.ledger.asks()
        isThere = scene.ledger.loaded(old, asked: later, at: scene.now)
        #expect(isThere && scene.ledger.session(alice)?.generation == 7)
        scene.ledger.answered()
    }

    /// While the store cannot be asked, another's attempt is over when its time has passed, not before.
    @Test func losingSightOfAnAttempt() throws {
        var scene = try scene(following: true)
        let session = try scene.session("alice", "T0")
        scene.ledger.heard(StoredSession(session: session, unfinished: other(scene)), isWanted: false, at: scene.now)
        let isOverEarly = scene.ledger.lostSight(session.key, at: scene.now + .seconds(29))
        #expect(try word(&scene) == "watch")
        let isOver = scene.ledger.lostSight(session.key, at: scene.now + .seconds(30))
        #expect(!isOverEarly && isOver)
        #expect(try word(&scene) == "use T0")
    }

    /// A login that only memory has stays the newer one, whatever is pinned to it before the store takes it.
    @Test func aPinDoesNotMakeALoginARotation() throws {
        var scene = try scene(following: true)
        var login = try scene.session("alice", "L0", generation: 4)
        scene.ledger.keep(login, unsaved: .login)
        login.fingerprint = nil
        scene.ledger.keep(login, unsaved: .rotation)
        let stored = try scene.session("alice", "X9", generation: 9)
        scene.ledger.saved(login, .fenced(stored), at: scene.now)
        #expect(scene.ledger.session(login.key)?.token == login.token)
        #expect(scene.ledger.session(login.key)?.generation == 10)
    }

    /// A store that may have lost sessions: memory has the only copy, answers for it, and keeps it whatever the store says.
    @Test func handingBack() throws {
        var scene = try scene(following: false)
        let fresh = try scene.session("bob", "B0", age: .seconds(10))
        scene.ledger.loaded(StoredSession(session: fresh, unfinished: nil), at: scene.now)
        #expect(scene.ledger.handBack(since: scene.now - .seconds(60)) == [fresh.key])
        scene.ledger.missing(fresh.key)
        #expect(LedgerScene.word(try scene.decide("bob", nil, .use)) == "use B0")
        #expect(try word(&scene) == "load key")
        #expect(Set(scene.ledger.handBack(since: nil)) == [fresh.key, try .sample("alice")])
        #expect(try word(&scene) == "use T0")
    }
}
