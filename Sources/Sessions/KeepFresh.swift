// Which sessions are refreshed without being asked for, and when.

package import Model

extension Session {
    /// When the background refreshes it: with 20 to 30 % of its life left. Where in that tenth is drawn from the key and the
    /// generation, so that sessions that were opened together are not refreshed together (contract 9, `SIDECAR_KEEP_FRESH`).
    func freshUntil(_ hash: TokenHash) -> Timestamp {
        let life = max(expiresAt - rotatedAt, .zero)
        return expiresAt - life / 5 - life / 655_360 * Int(hash.spread)
    }
}

extension SessionLedger {
    /// The sessions that are due, the one that ends first coming first.
    /// - Parameters:
    ///   - idle: sessions that no app has asked for in this long are left to end.
    ///   - most: how many at most.
    ///   - resting: sessions whose last try failed a short while ago.
    package func due(idle: Duration, most: Int, resting: Set<SessionKey>, at now: Timestamp) -> [Session] {
        var found: [Session] = []
        // The earliest that any of them is due: what lies before it need not be looked at more closely.
        eachIdle { expiresAt, rotatedAt, usedAt in
            expiresAt > now && now - usedAt < idle
                && expiresAt - max(expiresAt - rotatedAt, .zero) * 3 / 10 <= now
        } _: { session in
            guard session.state == .live, !resting.contains(session.key),
                session.freshUntil(hasher.hash(session.token)) <= now
            else { return }
            found.append(session)
        }
        return Array(found.sorted { $0.expiresAt < $1.expiresAt }.prefix(most))
    }
}
