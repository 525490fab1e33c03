// The compact table against a plain one.

import Model
import SessionStores
import Sessions
import TestSupport
import Testing

struct SessionTableTests {
    /// A ledger holds what it was given last of each key, whatever came and went before; every token finds its session.
    @Test func aRandomWalk() throws {
        let hasher = TokenHasher(key: [UInt8](repeating: 7, count: 32))
        var ledger = SessionLedger(policy: RotationPolicy(), hasher: hasher, process: 1)
        var generator = SeededGenerator(seed: 20_261_129)
        var expected: [SessionKey: Session] = [:]
        let now = Timestamp.sample
        var (puts, removals) = (0, 0)
        for step in 0..<60_000 {
            let key: SessionKey = try .sample("user\(Int.random(in: 0..<4000, using: &generator))")
            if Int.random(in: 0..<4, using: &generator) == 0 {
                ledger.forget(key)
                expected[key] = nil
                removals += 1
                continue
            }
            let known = expected[key]
            let token: SessionToken = try .sample(
                "T\(step)" + String(repeating: "x", count: Int.random(in: 0...300, using: &generator)))
            var superseded = known?.superseded ?? []
            if let known { superseded.append(.init(hash: hasher.hash(known.token), at: now + .seconds(step))) }
            let states: [Session.State] = [
                .live, .unknown(since: now), .dead(.lost),
                .dead(.rejected(.init(status: 400, contentType: bytes("a/b"), body: bytes("{}")))),
            ]
            let session = Session(
                key: key, token: token, generation: (known?.generation ?? 0) + 1, expiresAt: now + .seconds(step),
                rotatedAt: now, fingerprint: step.isMultiple(of: 3) ? nil : DeviceFingerprint(bytes("fp\(step)")),
                state: states.randomElement(using: &generator) ?? .live, superseded: Array(superseded.suffix(16)))
            ledger.publish(session)
            expected[key] = session
            puts += 1
        }
        #expect(puts > 30_000 && removals > 10_000)
        #expect(ledger.count == expected.count)
        for (key, session) in expected {
            #expect(ledger.session(key) == session)
            for hash in session.superseded.map(\.hash) + [hasher.hash(session.token)] {
                #expect(ledger.owner(of: hash) == key)
            }
        }
        // What comes of the same sessions by a shorter way is the same.
        var direct = SessionLedger(policy: RotationPolicy(), hasher: hasher, process: 1)
        for session in expected.values.shuffled(using: &generator) { direct.publish(session) }
        #expect(direct == ledger && direct.hashValue == ledger.hashValue)
        if let one = expected.keys.first { direct.forget(one) }
        #expect(direct != ledger)
    }

    /// A refusal is kept whole, longer than a page of the table.
    @Test func aLongRefusal() throws {
        var ledger = SessionLedger(
            policy: RotationPolicy(), hasher: TokenHasher(key: [UInt8](repeating: 7, count: 32)), process: 1)
        let body = [UInt8](repeating: 0x61, count: 1 << 20)
        var sessions: [Session] = []
        for number in 0..<5 {
            let session = Session(
                key: try .sample("user\(number)"), token: try .sample("T\(number)"), generation: 1, expiresAt: .sample,
                rotatedAt: .sample, fingerprint: nil,
                state: .dead(.rejected(.init(status: 400, contentType: [], body: body + [UInt8(number)]))))
            ledger.publish(session)
            sessions.append(session)
        }
        for session in sessions { #expect(ledger.session(session.key) == session) }
        for session in sessions { ledger.forget(session.key) }
        #expect(ledger.count == 0)
    }

    /// One record that is replaced again and again takes no more than a few pages, also when others stay where they are.
    @Test func pagesThatNobodyNeeds() {
        var pages = RecordPages()
        var addresses: [Int: RecordPages.Address] = [:]
        let record = [UInt8](repeating: 0x61, count: 192)
        func replace(_ slot: Int) {
            if let old = addresses.removeValue(forKey: slot) {
                var moves: [(Int, RecordPages.Address)] = []
                pages.remove(old) {
                    addresses[$0] == $1
                } moved: {
                    moves.append(($0, $1))
                }
                for (slot, address) in moves { addresses[slot] = address }
            }
            addresses[slot] = pages.add(record, for: slot)
        }
        for round in 0..<60_000 {
            replace(0)
            if round.isMultiple(of: 2000) { replace(1 + round / 2000) }
        }
        #expect(addresses.count == 31 && pages.byteCount < 4 << 20)
        for (slot, address) in addresses {
            #expect(pages.read(address) { bytes, range in Array(bytes[range]) } == record, "slot \(slot)")
        }
    }
}
