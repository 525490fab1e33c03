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

/// Where a claim leads.
enum TokenLocation {
    case unread(StoreQuery)
    case refused(SessionRefusal)
    case found(SessionKey, Presented)
}

/// What the presented token is to the session.
enum Presented: Equatable {
    /// The newest one, or none was presented.
    case newest
    /// One that was replaced then.
    case superseded(at: Timestamp)
    /// The one that is in the air just now, from a login made elsewhere.
    case candidate
    /// Not of this session's lineage: a login made elsewhere.
    case foreign(SessionToken)

    var isForeign: Bool {
        if case .foreign = self { true } else { false }
    }
}

extension SessionLedger {
    /// - Parameter read: what the store has already been asked in vain for this claim.
    func locate(_ claim: SessionClaim, read: Set<StoreQuery>) -> TokenLocation {
        if let user = claim.user { return locate(.user(user), presenting: claim.token, read: read) }
        guard let token = claim.token else { return .refused(.unknown) }
        let hash = hasher.hash(token)
        if let owner = owner(of: hash) { return .found(owner, relation(of: token, hash, to: owner)) }
        guard read.contains(.token(hash)) else { return .unread(.token(hash)) }
        let key = SessionKey.anonymous(hash)
        return .found(key, relation(of: token, hash, to: key))
    }

    private func locate(_ key: SessionKey, presenting token: SessionToken?, read: Set<StoreQuery>) -> TokenLocation {
        guard isKnown(key) || read.contains(.key(key)) else { return .unread(.key(key)) }
        guard let token else {
            return session(key) != nil || attempt(key) != nil ? .found(key, .newest) : .refused(.unknown)
        }
        if session(key)?.token == token { return .found(key, .newest) }
        let hash = hasher.hash(token)
        let relation = relation(of: token, hash, to: key)
        guard case .foreign = relation else { return .found(key, relation) }
        if let owner = owner(of: hash) {
            switch owner {
            case .user: return .refused(.mismatch)
            case .anonymous: return .found(owner, self.relation(of: token, hash, to: owner))
            }
        }
        guard read.contains(.token(hash)) else { return .unread(.token(hash)) }
        return .found(key, relation)
    }

    private func relation(of token: SessionToken, _ hash: TokenHash, to key: SessionKey) -> Presented {
        if let session = session(key) {
            if session.token == token { return .newest }
            if let old = session.superseded.last(where: { $0.hash == hash }) { return .superseded(at: old.at) }
        }
        if attempt(key)?.token == token { return .candidate }
        return .foreign(token)
    }
}
