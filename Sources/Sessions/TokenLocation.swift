// Whose token is this? Finding the session that a request speaks of.

package import Model

/// Who asks, and with what: the user that the app named, the session token that it presented, or both.
package struct SessionClaim: Sendable {
    package let user: UserKey?
    package let token: SessionToken?
    package init(user: UserKey?, token: SessionToken?) { (self.user, self.token) = (user, token) }
}

/// What has to be read from the store before the ledger can say more.
package enum StoreQuery: Sendable, Hashable {
    case key(SessionKey)
    case token(TokenHash)
}

/// What the store has answered while a claim is being decided: where it found each, nil for nothing.
package typealias StoreAnswers = [StoreQuery: SessionKey?]

/// Where a claim leads.
enum TokenLocation {
    case unread(StoreQuery)
    case refused(SessionRefusal)
    case found(SessionPlace)
}

/// The session that a claim speaks of.
struct SessionPlace {
    let key: SessionKey
    /// Nil when memory has no session there.
    let position: SessionTable.Position?
    let presented: Presented
    /// Whose session it becomes when the tenant takes the token: not `key` for a user with a token from a login made elsewhere.
    let owner: SessionKey
}

/// What the presented token is to the session.
enum Presented: Equatable {
    /// The newest one, or none was presented.
    case newest
    /// One that was replaced then.
    case superseded(at: Timestamp)
    /// The one that is in the air just now, from a login made elsewhere.
    case candidate
    /// Of no lineage: a login made elsewhere.
    case foreign(SessionToken)
}

extension SessionLedger {
    /// - Parameter read: what the store has already said to this claim.
    func locate(_ claim: SessionClaim, read: StoreAnswers) -> TokenLocation {
        let location = locateInMemory(claim, read: read)
        guard case .found(let place) = location, let position = place.position, !isCurrent(place.key, at: position),
            !read.values.contains(place.key)
        else { return location }
        return .unread(.key(place.key))
    }

    private func locateInMemory(_ claim: SessionClaim, read: StoreAnswers) -> TokenLocation {
        let user = claim.user.map { SessionKey.user($0) }
        let usersPosition = user.flatMap { table.position(of: $0) }
        guard let token = claim.token else {
            guard let user else { return .refused(.unknown) }
            if let usersPosition {
                return .found(SessionPlace(key: user, position: usersPosition, presented: .newest, owner: user))
            }
            return wasAsked(.key(user), read) ? .refused(.unknown) : .unread(.key(user))
        }
        if let user, let usersPosition, table.session(at: usersPosition).token == token {
            return .found(SessionPlace(key: user, position: usersPosition, presented: .newest, owner: user))
        }
        let hash = hasher.hash(token)
        guard let key = owner(of: hash) ?? read[.token(hash)] ?? nil else {
            if let user, usersPosition == nil, !wasAsked(.key(user), read) { return .unread(.key(user)) }
            guard wasAsked(.token(hash), read) else { return .unread(.token(hash)) }
            return unowned(token, hash, user)
        }
        guard let position = table.position(of: key) else { return .unread(.token(hash)) }
        if let user, user != key, case .user = key { return .refused(.mismatch) }
        let presented = relation(of: token, hash, to: table.session(at: position))
        return .found(SessionPlace(key: key, position: position, presented: presented, owner: user ?? key))
    }

    /// A token of no lineage is filed under its own name until the tenant has taken it.
    private func unowned(_ token: SessionToken, _ hash: TokenHash, _ user: SessionKey?) -> TokenLocation {
        let key = SessionKey.anonymous(hash)
        let position = table.position(of: key)
        guard let intent = attempt(key) else {
            return .found(SessionPlace(key: key, position: position, presented: .foreign(token), owner: user ?? key))
        }
        if let user, case .user = intent.owner, intent.owner != user { return .refused(.mismatch) }
        return .found(SessionPlace(key: key, position: position, presented: .candidate, owner: user ?? key))
    }

    /// Whether the store said that it has nothing. What it found and memory has dropped since is asked for again.
    private func wasAsked(_ query: StoreQuery, _ read: StoreAnswers) -> Bool {
        if case .some(.none) = read[query] { true } else { false }
    }

    private func relation(of token: SessionToken, _ hash: TokenHash, to session: Session) -> Presented {
        if session.token == token { return .newest }
        // Older than what the session itself remembers: replaced long ago.
        let at = session.superseded.last { $0.hash == hash }?.at
        return .superseded(at: at ?? Timestamp(milliseconds: .min))
    }
}
