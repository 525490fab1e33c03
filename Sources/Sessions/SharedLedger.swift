// What other processes do to the sessions of a store that they share: their attempts, and how far memory may answer for the store.

package import Model

/// What is known of the others. For a store of one process: the attempts of the processes before it.
struct OtherProcesses: Sendable, Hashable {
    /// An attempt, as the store told.
    struct Attempt: Sendable, Hashable {
        let attempt: AttemptID
        /// Over, and its loss counted.
        let isOver: Bool
        /// How long it had left when the store was asked.
        let left: Duration
        /// By this process's clock, for a store that cannot be asked any more.
        let until: Timestamp

        // How long it has left is the store's to say.
        static func == (one: Self, other: Self) -> Bool { one.attempt == other.attempt && one.isOver == other.isOver }
        func hash(into hasher: inout Hasher) { hasher.combine(attempt) }
    }

    var attempts: [SessionKey: Attempt] = [:]
    /// What was read from the store before this epoch may be out of date. The highest there is: everything may.
    fileprivate(set) var epoch: UInt64
    fileprivate(set) var lastEpoch: UInt64 = 0
    /// How many are reading.
    fileprivate var reads = 0
    /// Sessions removed while somebody reads, and since when.
    fileprivate var removed: [SessionKey: UInt64] = [:]

    init(isShared: Bool) { epoch = isShared ? .max : 0 }
}

extension SessionLedger {
    /// Whether memory may answer for a session without asking the store first.
    func isCurrent(_ key: SessionKey, at position: SessionTable.Position) -> Bool {
        table.isChecked(at: position, since: others.epoch) || unsaved[key] != nil || attempt(key) != nil
    }

    /// A session that memory may answer for.
    func current(_ key: SessionKey) -> SessionTable.Position? {
        table.position(of: key).flatMap { isCurrent(key, at: $0) ? $0 : nil }
    }

    /// The session that an app has asked for, as memory has it.
    /// - Parameter mustBeCurrent: only where memory may answer for the store.
    mutating func recall(_ key: SessionKey, mustBeCurrent: Bool, at now: Timestamp) -> Session? {
        guard let position = mustBeCurrent ? current(key) : table.position(of: key) else { return nil }
        table.used(at: position, now)
        return table.session(at: position)
    }

    /// Whether every write of others is told of.
    var isFollowing: Bool { others.epoch != .max }
    /// How long another process's attempt had left when it was last heard of.
    func abroadLeft(_ key: SessionKey) -> Duration { others.attempts[key]?.left ?? .zero }
    func isRunningAbroad(_ key: SessionKey) -> Bool { others.attempts[key]?.isOver == false }

    // MARK: reading

    /// Somebody asks the store. To be followed by `answered`.
    /// - Returns: when, for `loaded`.
    package mutating func asks() -> UInt64 {
        others.reads += 1
        return others.lastEpoch
    }

    /// The store has answered what somebody asked, or cannot.
    package mutating func answered() {
        others.reads -= 1
        if others.reads == 0 { others.removed = [:] }
    }

    /// The store was asked for a key or a token and has this. What memory knows more of stays.
    /// - Parameter asked: what `asks` returned; nil for now.
    /// - Returns: false when the session has been removed since.
    @discardableResult
    package mutating func loaded(_ stored: StoredSession, asked: UInt64? = nil, at now: Timestamp) -> Bool {
        let key = stored.session.key
        if let asked, let removed = others.removed[key], asked < removed { return false }
        publish(stored.session)
        table.checked(key, epoch: asked ?? others.lastEpoch)
        // The store has gone back behind memory: its attempt is one that memory knows the end of.
        if let known = table[key], stored.session.generation < known.generation { return true }
        note(stored.unfinished, of: key, at: now)
        return true
    }

    /// The store was asked for a session and has none. One that only memory has, or that is in the air, stays.
    package mutating func missing(_ key: SessionKey) {
        others.attempts[key] = nil
        if unsaved[key] == nil, attempt(key) == nil { forget(key) }
    }

    /// The store cannot be asked what became of another process's attempt.
    /// - Returns: whether it is over by now all the same.
    package mutating func lostSight(_ key: SessionKey, at now: Timestamp) -> Bool {
        guard let known = others.attempts[key], !known.isOver, known.until <= now else { return false }
        others.attempts[key] = nil
        return true
    }

    /// What the store says of an attempt that is not ended. The loss of one that is over is counted once.
    mutating func note(_ unfinished: UnfinishedAttempt?, of key: SessionKey, at now: Timestamp) {
        guard let unfinished, unfinished.attempt.high != process else {
            others.attempts[key] = nil
            return
        }
        guard unfinished.left <= .zero else {
            others.attempts[key] = OtherProcesses.Attempt(
                attempt: unfinished.attempt, isOver: false, left: unfinished.left, until: now + unfinished.left)
            return
        }
        let over = OtherProcesses.Attempt(
            attempt: unfinished.attempt, isOver: true, left: .zero, until: .init(milliseconds: 0))
        let known = others.attempts.updateValue(over, forKey: key)
        if known != over { table.change(key) { $0.countLoss(policy, at: now) } }
    }

    // MARK: news

    /// Whether every write of others is told of from now on.
    package mutating func follows(_ isFollowing: Bool) {
        others.lastEpoch += 1
        others.epoch = isFollowing ? others.lastEpoch : .max
    }

    /// Another process has written a session. One that nobody here has asked for is left where it is.
    /// - Parameter isWanted: somebody waits for it. Whoever is just reading wants it too: what is read may be older than this.
    package mutating func heard(_ stored: StoredSession, isWanted: Bool, at now: Timestamp) {
        guard isKnown(stored.session.key) || isWanted || others.reads > 0 else { return }
        loaded(stored, at: now)
    }

    /// Another process has removed a session. One that only memory has stays.
    package mutating func heardRemoval(of key: SessionKey) {
        if others.reads > 0 {
            others.lastEpoch += 1
            others.removed[key] = others.lastEpoch
        }
        if unsaved[key] == nil { forget(key) }
    }

    /// The store may have lost these: memory has the only copy until it has taken them once more.
    /// - Parameter since: those whose token is younger; nil for all.
    package mutating func handBack(since: Timestamp?) -> [SessionKey] {
        let lost = table.sessions.filter { session in
            session.generation > 0 && since.map { session.rotatedAt >= $0 } ?? true
        }
        for session in lost where unsaved[session.key] == nil { unsaved[session.key] = .rotation }
        return lost.map(\.key)
    }
}
