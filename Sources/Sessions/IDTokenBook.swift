// The users' id_tokens in memory: what is lost here is bought again.

internal import Model

/// The newest id_token of each user, for calls whose app sends none. Bounded; nothing of it is ever stored.
struct IDTokenBook: Sendable {
    private struct Entry: Sendable {
        let token: IDToken
        let learnedAt: Timestamp
        let end: Timestamp
    }

    /// Above this many some go, those that end first.
    static let mostKept = 10_000
    /// One that ends this soon is not given out, or in a tenth of its life if that is less.
    private static let margin = Duration.seconds(60)

    private var entries: [SessionKey: Entry] = [:]

    var count: Int { entries.count }

    /// One that can still be sent.
    func current(_ key: SessionKey, at now: Timestamp) -> IDToken? {
        guard let entry = entries[key], now >= entry.learnedAt else { return nil }
        return entry.end - now > min(Self.margin, entry.token.life / 10) ? entry.token : nil
    }

    /// An answer of the tenant held this one, or none. A login without one ends what an earlier session had.
    mutating func learned(_ token: IDToken?, for key: SessionKey, isLogin: Bool, at now: Timestamp) {
        guard case .user = key else { return }
        guard let token else {
            if isLogin { entries[key] = nil }
            return
        }
        if entries[key] == nil, entries.count >= Self.mostKept { makeRoom() }
        entries[key] = Entry(token: token, learnedAt: now, end: now + token.life)
    }

    /// The tenant does not take this one any more. Another one, learned meanwhile, stays.
    mutating func refused(_ token: IDToken, of key: SessionKey) {
        if entries[key]?.token == token { entries[key] = nil }
    }

    mutating func forget(_ key: SessionKey) { entries[key] = nil }

    /// An eighth at a time, so that a full book costs little.
    private mutating func makeRoom() {
        let soonest = entries.map { (key: $0.key, end: $0.value.end) }.sorted { $0.end < $1.end }
        for (key, _) in soonest.prefix(Self.mostKept / 8) { entries[key] = nil }
    }
}
