// The sessions in memory, found by key and by any of their tokens, and as many of them as may be.

internal import Model

/// A bounded table. What leaves it is in the store. A session is a slot of fixed size and a record of bytes: about 200 bytes with a
/// token of 40 characters, where objects for its parts would take 650.
struct SessionTable: Sendable {
    private struct Slot: Sendable {
        /// Nil for a slot that is free.
        var address: RecordPages.Address?
        /// Of the key.
        var keyHash: UInt32
        var progress: UInt8
        /// Asked for since it was last looked at for eviction.
        var isRecent: Bool
        /// When an app last asked for it; the earliest time there is until one does.
        var usedAt: Timestamp
        /// Up to when it is known to be what the store has: counts the times that news may have been missed.
        var epoch: UInt64
        var times: PackedSession.Times
    }

    private static let never = Timestamp(milliseconds: .min)

    private let hasher: TokenHasher
    private let limit: Int
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var pages = RecordPages()
    private var keys = SlotIndex()
    /// The newest and the remembered superseded tokens of every session.
    private var lineage = SlotIndex()
    /// The slot that is looked at next for eviction.
    private var hand = 0

    init(hasher: TokenHasher, limit: Int) { (self.hasher, self.limit) = (hasher, limit) }

    private(set) var count = 0
    /// How many of them are in each state.
    private(set) var tally = SessionTally()

    // MARK: reading

    /// Where a session is, until the table is changed.
    struct Position { fileprivate let slot: Int }

    func position(of key: SessionKey) -> Position? { slot(of: key).map { Position(slot: $0) } }
    func session(at position: Position) -> Session { session(position.slot) }
    func isDead(at position: Position) -> Bool { slots[position.slot].progress == 2 }
    func isChecked(at position: Position, since epoch: UInt64) -> Bool { slots[position.slot].epoch >= epoch }
    mutating func used(at position: Position, _ now: Timestamp) {
        (slots[position.slot].usedAt, slots[position.slot].isRecent) = (now, true)
    }

    subscript(key: SessionKey) -> Session? { slot(of: key).map { session($0) } }
    func contains(_ key: SessionKey) -> Bool { slot(of: key) != nil }

    func owner(of hash: TokenHash) -> SessionKey? {
        lineage.first(hash.short) { slot in read(slot) { PackedSession.holds(hash, $0, $1) } }
            .map { slot in read(slot) { PackedSession.key($0, $1) } }
    }

    /// The hash of a session's token, as a record has it; an HMAC costs more than looking there.
    func tokenHash(of session: Session) -> TokenHash {
        slot(of: session.key).flatMap { read($0) { PackedSession.newest(session.token, $0, $1) } }
            ?? hasher.hash(session.token)
    }

    private func slot(of key: SessionKey) -> Int? {
        keys.first(Self.short(key)) { slot in read(slot) { PackedSession.isOf(key, $0, $1) } }
    }

    private static func short(_ key: SessionKey) -> UInt32 {
        switch key {
        case .user(let user): UInt32(truncatingIfNeeded: user.hashValue)
        case .anonymous(let hash): hash.short
        }
    }

    /// Of a slot that is taken.
    private func read<Result>(_ slot: Int, _ body: ([UInt8], Range<Int>) -> Result) -> Result {
        guard let address = slots[slot].address else { preconditionFailure("a free slot is in no index") }
        return pages.read(address, body)
    }

    private func session(_ slot: Int) -> Session { read(slot) { PackedSession.session($0, $1, slots[slot].times) } }

    // MARK: changing

    /// - Parameter hash: of its token, where that is known; an HMAC is dear.
    /// - Returns: false when the session knows less than what is here; nothing changes then.
    mutating func put(_ session: Session, _ hash: TokenHash? = nil, epoch: UInt64) -> Bool {
        if let slot = slot(of: session.key) {
            let known = (read(slot, PackedSession.generation), slots[slot].progress)
            guard (session.generation, session.state.progress) >= known else { return false }
            replace(slot, session, hash ?? tokenHash(of: session))
            slots[slot].epoch = epoch
        } else {
            add(session, hash ?? hasher.hash(session.token), epoch)
        }
        return true
    }

    private mutating func add(_ session: Session, _ newest: TokenHash, _ epoch: UInt64) {
        let short = Self.short(session.key)
        let empty = Slot(
            address: nil, keyHash: short, progress: 0, isRecent: true, usedAt: Self.never, epoch: epoch,
            times: PackedSession.Times(session))
        let slot: Int
        if let known = free.popLast() {
            slot = known
            slots[slot] = empty
        } else {
            slot = slots.count
            slots.append(empty)
        }
        count += 1
        fill(slot, session, newest)
        keys.insert(short, slot)
    }

    /// Puts the record there and makes its tokens find it.
    private mutating func fill(_ slot: Int, _ session: Session, _ newest: TokenHash) {
        slots[slot].address = pages.add(PackedSession.pack(session, newest), for: slot)
        (slots[slot].times, slots[slot].progress) = (PackedSession.Times(session), session.state.progress)
        tally.entered(slots[slot].progress)
        claim(newest, for: slot)
        for old in session.superseded { claim(old.hash, for: slot) }
    }

    /// Most of its tokens find it before and after.
    private mutating func replace(_ slot: Int, _ session: Session, _ newest: TokenHash) {
        let before = read(slot, PackedSession.hashes)
        takeOut(slot)
        fill(slot, session, newest)
        for hash in before where hash != newest && !session.superseded.contains(where: { $0.hash == hash }) {
            lineage.remove(hash.short, slot)
        }
    }

    /// A token finds the session that was put last.
    private mutating func claim(_ hash: TokenHash, for slot: Int) {
        // Where there is one of its own already, nothing has to be read: a look-up asks the record itself.
        while let other = lineage.first(
            hash.short, where: { other in other == slot || read(other) { PackedSession.holds(hash, $0, $1) } })
        {
            guard other != slot else { return }
            lineage.remove(hash.short, other)
        }
        lineage.insert(hash.short, slot)
    }

    /// Takes the record away; nothing finds it any more but its key.
    private mutating func drop(_ slot: Int) {
        for hash in read(slot, PackedSession.hashes) { lineage.remove(hash.short, slot) }
        takeOut(slot)
    }

    private mutating func takeOut(_ slot: Int) {
        guard let address = slots[slot].address else { return }
        tally.left(slots[slot].progress)
        slots[slot].address = nil
        var moves: [(Int, RecordPages.Address)] = []
        pages.remove(address) {
            slots[$0].address == $1
        } moved: {
            moves.append(($0, $1))
        }
        for (slot, address) in moves { slots[slot].address = address }
    }

    /// The store was asked for it.
    mutating func checked(_ key: SessionKey, epoch: UInt64) {
        if let slot = slot(of: key) { slots[slot].epoch = epoch }
    }

    /// Changes what is known of a session beside its tokens.
    mutating func change(_ key: SessionKey, _ body: (inout Session) -> Void) {
        guard let slot = slot(of: key) else { return }
        var session = session(slot)
        body(&session)
        replace(slot, session, tokenHash(of: session))
    }

    mutating func remove(_ key: SessionKey) {
        guard let slot = slot(of: key) else { return }
        keys.remove(slots[slot].keyHash, slot)
        drop(slot)
        free.append(slot)
        count -= 1
    }

    // MARK: all of them

    var sessions: some Sequence<Session> { slots.indices.lazy.filter { slots[$0].address != nil }.map { session($0) } }

    /// Those that an app has asked for.
    /// - Parameter isWanted: told when a session ends, when its token was given out, and when it was asked for.
    func eachUsed(
        where isWanted: (_ expiresAt: Timestamp, _ rotatedAt: Timestamp, _ usedAt: Timestamp) -> Bool,
        _ body: (Session) -> Void
    ) {
        for index in slots.indices where slots[index].address != nil && slots[index].usedAt != Self.never {
            let slot = slots[index]
            if isWanted(slot.times.expiresAt, slot.times.rotatedAt, slot.usedAt) { body(session(index)) }
        }
    }

    /// Beyond the limit: sessions that nobody has asked for since they were last looked at. A few are looked at for each one that
    /// comes, so that nobody waits for it.
    mutating func tooMany(keeping isNeeded: (SessionKey) -> Bool) -> [SessionKey] {
        var (looks, found): (Int, [SessionKey]) = (16, [])
        while count - found.count > limit, looks > 0 {
            looks -= 1
            hand = hand + 1 < slots.count ? hand + 1 : 0
            guard slots[hand].address != nil else { continue }
            let key = read(hand) { PackedSession.key($0, $1) }
            if slots[hand].isRecent || isNeeded(key) {
                slots[hand].isRecent = false
            } else if !found.contains(key) {
                found.append(key)
            }
        }
        return found
    }
}

/// Sessions by state.
package struct SessionTally: Sendable, Hashable {
    package private(set) var live = 0
    package private(set) var unknown = 0
    package private(set) var dead = 0

    /// - Parameter progress: of a session's state.
    mutating func entered(_ progress: UInt8) { add(1, progress) }
    mutating func left(_ progress: UInt8) { add(-1, progress) }

    private mutating func add(_ number: Int, _ progress: UInt8) {
        switch progress {
        case 0: live += number
        case 1: unknown += number
        default: dead += number
        }
    }
}

/// By what is known: neither use nor the order of eviction says anything about a session.
extension SessionTable: Hashable {
    static func == (left: Self, right: Self) -> Bool {
        left.count == right.count
            && left.sessions.allSatisfy { session in
                right[session.key] == session
                    && (session.superseded.map(\.hash) + [left.hasher.hash(session.token)]).allSatisfy {
                        left.owner(of: $0) == right.owner(of: $0)
                    }
            }
    }

    func hash(into hasher: inout Hasher) { hasher.combine(sessions.reduce(0) { $0 &+ $1.hashValue }) }
}
