// What the end of an attempt leaves behind, for every outcome.

import Model
import Sessions
import TestSupport
import Testing

struct RotationSettlementTests {
    private func intent(_ scene: inout LedgerScene, _ user: String = "alice", _ token: String? = nil) throws
        -> RotationIntent
    {
        let read: StoreAnswers = try [
            .key(.sample(user)): nil, .token(scene.hasher.hash(.sample(token ?? "none"))): nil,
        ]
        guard case .start(let intent) = try scene.decide(user, token, .refresh, read: read) else {
            throw BadSample(what: "no attempt")
        }
        return intent
    }

    private func committed(_ scene: LedgerScene, _ intent: RotationIntent, _ outcome: RenewalOutcome) -> Session? {
        guard case .commit(let session) = scene.ledger.settle(intent, outcome, at: scene.now) else { return nil }
        return session
    }

    @Test func aNewToken() throws {
        var scene = LedgerScene()
        scene.know(try scene.session("alice", "T2"))
        let attempt = try intent(&scene)
        let next = try #require(committed(scene, attempt, .renewed(try .sample("T3"), life: .seconds(60))))
        #expect(try next.token == .sample("T3") && next.generation == 4 && next.state == .live)
        #expect(next.expiresAt == scene.now + .seconds(60) && next.rotatedAt == scene.now)
        #expect(try next.superseded.map(\.hash) == [scene.hasher.hash(.sample("T2"))])
    }

    @Test func anAnswerWithoutALifeKeepsTheOldOneAtMostTwelveHours() throws {
        var scene = LedgerScene()
        scene.know(try scene.session("alice", "T2", left: .seconds(432_000 - 1000)))
        let long = try intent(&scene)
        #expect(
            try committed(scene, long, .renewed(.sample("T3"), life: nil))?.expiresAt == scene.now + .seconds(43_200))
        scene.know(try scene.session("bob", "B", left: .seconds(600), age: .seconds(100)))
        let short = try intent(&scene, "bob")
        #expect(try committed(scene, short, .renewed(.sample("B2"), life: nil))?.expiresAt == scene.now + .seconds(700))
    }

    @Test func theSameTokenAgainIsNoRotation() throws {
        var scene = LedgerScene()
        scene.know(try scene.session("alice", "T2", left: .seconds(5)))
        let attempt = try intent(&scene)
        let same = try #require(committed(scene, attempt, .renewed(try .sample("T2"), life: .seconds(60))))
        #expect(same.generation == 3 && same.superseded.isEmpty && same.expiresAt == scene.now + .seconds(60))
    }

    @Test func aRejectionOfTheSessionsTokenKillsIt() throws {
        var scene = LedgerScene()
        scene.know(try scene.session("alice", "T2"))
        let attempt = try intent(&scene)
        guard case .dead(.rejected(let refusal)) = committed(scene, attempt, .rejected)?.state else {
            Issue.record("not dead")
            return
        }
        #expect(refusal.status == 400)
    }

    /// A rejected token from elsewhere says nothing about the session that we have.
    @Test func aRejectionOfAForeignTokenChangesNothing() throws {
        var scene = LedgerScene()
        scene.know(try scene.session("alice", "T2"))
        let attempt = try intent(&scene, "alice", "X")
        #expect(committed(scene, attempt, .rejected) == nil)
        // Its loss is its own: it is filed under its own name, so that it is not presented a third time.
        let lost = try #require(committed(scene, attempt, .failed))
        #expect(try lost.token == .sample("X") && lost.generation == 0 && lost.state == .unknown(since: scene.now))
        #expect(try lost.key == .anonymous(scene.hasher.hash(.sample("X"))))
        let adopted = try #require(committed(scene, attempt, .renewed(try .sample("X2"))))
        #expect(try adopted.generation == 4 && adopted.token == .sample("X2"))
        #expect(
            try adopted.superseded.map(\.hash) == [scene.hasher.hash(.sample("T2")), scene.hasher.hash(.sample("X"))])
    }

    @Test func whatChangesNothing() throws {
        var scene = LedgerScene()
        scene.know(try scene.session("alice", "T2"))
        let attempt = try intent(&scene)
        let refused = RenewalOutcome.refused(answer: WholeResponse(status: 403, fields: HeaderFields(), body: []))
        #expect(committed(scene, attempt, refused) == nil)
        #expect(committed(scene, attempt, .unreachable) == nil)
    }

    @Test func oneLossIsUnknownTwoAreTheEnd() throws {
        var scene = LedgerScene()
        scene.know(try scene.session("alice", "T2"))
        let first = try intent(&scene)
        let unknown = try #require(committed(scene, first, .reset))
        #expect(unknown.state == .unknown(since: scene.now) && unknown.generation == 3)
        scene.ledger.ended(first)
        scene.know(unknown)
        scene.now = scene.now + .seconds(1)
        let second = try intent(&scene)
        #expect(committed(scene, second, .failed)?.state == .dead(.lost))
        // A rejection after a loss says that the lost answer had the new token.
        #expect(committed(scene, second, .rejected)?.state == .dead(.lost))
        #expect(try committed(scene, second, .renewed(.sample("T3")))?.state == .live)
    }

    @Test func retireEndsTheSessionAtTheFirstLoss() throws {
        var scene = LedgerScene { $0.lostAnswer = .retire }
        scene.know(try scene.session("alice", "T2"))
        let attempt = try intent(&scene)
        #expect(committed(scene, attempt, .reset)?.state == .dead(.lost))
    }

    @Test func aFirstSessionFromATokenAlone() throws {
        var scene = LedgerScene()
        let attempt = try intent(&scene, "new", "X")
        let first = try #require(committed(scene, attempt, .renewed(try .sample("X2"))))
        #expect(try first.generation == 1 && first.superseded.map(\.hash) == [scene.hasher.hash(.sample("X"))])
        #expect(committed(scene, attempt, .reset)?.state == .unknown(since: scene.now))
        #expect(committed(scene, attempt, .rejected) == nil)
    }

    /// A fingerprint pinned while the attempt was in the air is not lost by its commit.
    @Test func aPinDuringTheAttemptStays() throws {
        var scene = LedgerScene()
        let session = try scene.session("alice", "T2")
        scene.know(session)
        let attempt = try intent(&scene)
        var pinned = session
        pinned.fingerprint = try .sample("FP")
        scene.know(pinned)
        #expect(try committed(scene, attempt, .renewed(.sample("T3")))?.fingerprint == .sample("FP"))
    }

    @Test func learning() throws {
        var scene = LedgerScene()
        scene.know(try scene.session("alice", "T2", old: [("T1", .seconds(5))]))
        scene.know(try scene.session("bob", "B"))
        func learn(_ token: String, isLogin: Bool = false) throws -> Session? {
            scene.ledger.learned(
                RenewedToken(token: try .sample(token), life: .seconds(60), fingerprint: nil),
                for: try .sample("alice"), isLogin: isLogin,
                at: scene.now)
        }
        #expect(try learn("T3")?.generation == 4)
        // A late answer with an old token, and another user's token, change nothing.
        #expect(try learn("T1") == nil)
        #expect(try learn("B", isLogin: true) == nil)
    }
}
