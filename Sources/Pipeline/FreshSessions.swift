// Refreshes that no app asked for (`SIDECAR_KEEP_FRESH`).

internal import Model
internal import Sessions

extension ProxyPipeline {
    /// How many are refreshed at a time.
    private static let atOnce = 8
    /// How long a session rests after a refresh that failed.
    private static let rest = Duration.seconds(60)

    /// Looks every few seconds which sessions come near their end and refreshes them, a few at a time, until it is cancelled.
    /// - Parameter idle: sessions that no app has asked for in this long are left to end.
    package func keepFresh(idle: Duration) async {
        var failed: [SessionKey: Timestamp] = [:]
        while !Task.isCancelled {
            let now = clock.now()
            failed = failed.filter { now - $0.value < Self.rest }
            let due = sessions.due(idle: idle, most: Self.atOnce, resting: Set(failed.keys))
            await withTaskGroup(of: SessionKey?.self) { group in
                for session in due { group.addTask { await self.keepFresh(session) ? nil : session.key } }
                for await key in group where key != nil { if let key { failed[key] = now } }
            }
            // A full hand means that there may be more.
            if due.count < Self.atOnce { await clock.sleep(for: .seconds(5)) }
        }
    }

    private func keepFresh(_ session: Session) async -> Bool {
        var user: UserKey?
        if case .user(let key) = session.key { user = key }
        let none = HeaderFields()
        guard let renewal = try? unaskedRefresh(for: user, like: none, peer: nil, identity: RequestIdentity(none)),
            let refreshed = try? await sessions.refresh(
                for: SessionClaim(user: user, token: session.token), as: .keepFresh, renewal: renewal)
        else { return false }
        if case .rotated(.renewed, _) = refreshed { return true }
        return false
    }
}
