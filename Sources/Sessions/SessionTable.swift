// The sessions in memory, found by key and by any of their tokens, and as many of them as may be.

internal import DequeModule
internal import Model

/// A bounded table. What leaves it is in the store.
struct SessionTable: Sendable {
    private struct Entry: Sendable, Hashable {
        var session: Session
        /// When an app last asked for it; nil until one does.
        var usedAt: Timestamp?
        /// Asked for since it was last looked at for eviction.
        var isRecent = true
        /// Up to when it is known to be what the store has: counts the times that news may have been missed.
        var epoch: UInt64

        // The use of a session says nothing about the session.
        static func == (left: Self, right: Self) -> Bool { left.session == right.session }
        func hash(into hasher: inout Hasher) { hasher.combine(session) }
    }

    private let hasher: TokenHasher
    private let limit: Int
    private var entries: [SessionKey: Entry] = [:]
    /// The newest and the remembered superseded tokens of every session.
    private var lineage: [TokenHash: SessionKey] = [:]
    /// The order in which sessions are looked at for eviction; may hold keys that have gone.
    private var queue: Deque<SessionKey> = []

    init(hasher: TokenHasher, limit: Int) { (self.hasher, self.limit) = (hasher, limit) }

    var count: Int { entries.count }
    /// How many of them are in each state.
    private(set) var tally = SessionTally()
    subscript(key: SessionKey) -> Session? { entries[key]?.session }
    func owner(of hash: TokenHash) -> SessionKey? { lineage[hash] }

    /// - Returns: false when the session knows less than what is here; nothing changes then.
    mutating func put(_ session: Session, epoch: UInt64) -> Bool {
        if let known = entries[session.key]?.session {
            guard !session.isBehind(known) else { return false }
            dropLineage(of: known)
            tally.left(known.state)
            entries[session.key]?.session = session
            entries[session.key]?.epoch = epoch
        } else {
            entries[session.key] = Entry(session: session, epoch: epoch)
            queue.append(session.key)
        }
        tally.entered(session.state)
        for old in session.superseded { lineage[old.hash] = session.key }
        lineage[hasher.hash(session.token)] = session.key
        return true
    }

    /// The store was asked for it.
    mutating func checked(_ key: SessionKey, epoch: UInt64) { entries[key]?.epoch = epoch }
    func isChecked(_ key: SessionKey, since epoch: UInt64) -> Bool { entries[key].map { $0.epoch >= epoch } ?? false }

    /// Changes what is known of a session beside its tokens.
    mutating func change(_ key: SessionKey, _ body: (inout Session) -> Void) {
        guard var session = entries[key]?.session else { return }
        tally.left(session.state)
        body(&session)
        tally.entered(session.state)
        entries[key]?.session = session
    }

    mutating func remove(_ key: SessionKey) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        tally.left(entry.session.state)
        dropLineage(of: entry.session)
        if queue.count > 2 * entries.count + 64 { queue = Deque(queue.filter { entries[$0] != nil }) }
    }

    mutating func used(_ key: SessionKey, at now: Timestamp) {
        entries[key]?.usedAt = now
        entries[key]?.isRecent = true
    }

    var sessions: some Sequence<Session> { entries.values.lazy.map(\.session) }

    func eachUsed(_ body: (Session, _ usedAt: Timestamp) -> Void) {
        for entry in entries.values {
            if let usedAt = entry.usedAt { body(entry.session, usedAt) }
        }
    }

    /// Beyond the limit: sessions that nobody has asked for since they were last looked at. A few are looked at for each one that
    /// comes, so that nobody waits for it.
    mutating func tooMany(keeping isNeeded: (SessionKey) -> Bool) -> [SessionKey] {
        var (looks, found): (Int, [SessionKey]) = (16, [])
        while entries.count - found.count > limit, looks > 0, let key = queue.popFirst() {
            looks -= 1
            guard let entry = entries[key] else { continue }
            if entry.isRecent || isNeeded(key) {
                entries[key]?.isRecent = false
                queue.append(key)
            } else {
                found.append(key)
            }
        }
        return found
    }

    private mutating func dropLineage(of session: Session) {
        for hash in session.superseded.map(\.hash) + [hasher.hash(session.token)] where lineage[hash] == session.key {
            lineage[hash] = nil
        }
    }
}

/// Sessions by state.
package struct SessionTally: Sendable, Hashable {
    package private(set) var live = 0
    package private(set) var unknown = 0
    package private(set) var dead = 0

    mutating func entered(_ state: Session.State) { add(1, to: state) }
    mutating func left(_ state: Session.State) { add(-1, to: state) }

    private mutating func add(_ number: Int, to state: Session.State) {
        switch state {
        case .live: live += number
        case .unknown: unknown += number
        case .dead: dead += number
        }
    }
}

/// By what is known: neither use nor the order of eviction says anything about a session.
extension SessionTable: Hashable {
    static func == (left: Self, right: Self) -> Bool { left.entries == right.entries && left.lineage == right.lineage }
    func hash(into hasher: inout Hasher) { hasher.combine(entries) }
}
