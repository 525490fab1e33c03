// Which sessions the background refreshes, and that they are never a herd.

import Model
import TestSupport
import Testing

@testable import Sessions

struct KeepFreshTests {
    private let idle = Duration.seconds(3600)

    /// A session of 1000 s of which `left` remain, asked for `used` ago.
    private func scene(left: Int, used: Duration = .seconds(10), state: Session.State = .live) throws -> LedgerScene {
        var scene = LedgerScene()
        scene.know(
            try scene.session(
                "alice", "T2", left: .seconds(left), state: state, age: .seconds(1000 - left)))
        let now = scene.now
        scene.now = now - used
        _ = try scene.decide("alice", nil, .use, rotationTried: true)
        scene.now = now
        return scene
    }

    private func isDue(_ scene: LedgerScene, resting: Set<SessionKey> = []) -> Bool {
        !scene.ledger.due(idle: idle, most: 8, resting: resting, at: scene.now).isEmpty
    }

    @Test func betweenThirtyAndTwentyPercentOfItsLife() throws {
        #expect(!isDue(try scene(left: 301)))
        #expect(isDue(try scene(left: 199)))
        #expect(isDue(try scene(left: 1)))
        #expect(!isDue(try scene(left: 0)))
    }

    @Test func onlyWhatIsUsedAndAlive() throws {
        #expect(isDue(try scene(left: 100, used: .seconds(3599))))
        #expect(!isDue(try scene(left: 100, used: .seconds(3600))))
        let at = Timestamp.sample
        for state in [Session.State.dead(.lost), .unknown(since: at)] {
            #expect(!isDue(try scene(left: 100, state: state)))
        }
        #expect(!isDue(try scene(left: 100), resting: [try .sample("alice")]))
        var rotating = try scene(left: 100)
        _ = try rotating.decide("alice", nil, .refresh)
        #expect(!isDue(rotating))
        // A session that is only known, and one that only the background asked for, are left to end.
        var unused = LedgerScene()
        unused.know(try unused.session("alice", "T2", left: .seconds(100), age: .seconds(900)))
        guard case .start(let intent) = try unused.decide("alice", nil, .keepFresh) else { return }
        unused.ledger.ended(intent)
        #expect(!isDue(unused))
    }

    /// 2,000 sessions opened in the same second become due spread over a tenth of their life.
    @Test func noHerd() throws {
        var scene = LedgerScene()
        let opened = scene.now
        for number in 0..<2000 {
            scene.know(try scene.session("user\(number)", "T\(number)", left: .seconds(10_000), age: .zero))
            _ = try scene.decide("user\(number)", nil, .use)
        }
        var seen = 0
        var perStep: [Int] = []
        for step in 0...20 {
            let now = opened + .seconds(7000 + step * 50)
            let due = scene.ledger.due(idle: .seconds(100_000), most: 10_000, resting: [], at: now).count
            perStep.append(due - seen)
            seen = due
        }
        #expect(seen == 2000)
        // Evenly they would be 100 a step.
        #expect(perStep.dropFirst().allSatisfy { $0 > 50 && $0 < 160 }, "\(perStep)")
    }

    /// A life without end is no reason to trap.
    @Test func theLongestLife() throws {
        let key = try SessionKey.sample("alice")
        let session = Session(
            key: key, token: try .sample("T"), generation: 1, expiresAt: Timestamp(milliseconds: .max),
            rotatedAt: .sample,
            fingerprint: nil)
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let hash = TokenHasher(key: Array(repeating: 1, count: 32)).hash(try .sample(name))
            #expect(session.freshUntil(hash) < session.expiresAt)
        }
    }
}
