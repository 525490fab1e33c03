// The tenant's memory of sessions: every token each one ever had, and what a presented token is worth.

/// A login and what grew from it.
package struct TenantSession: Sendable {
    package let user: ExactText
    /// As sent with the login; every later call has to repeat it.
    package let fingerprint: ExactText
    /// Index = generation; the last one is current.
    package fileprivate(set) var tokens: [ExactText]
    /// When each generation was issued; generation g is superseded when g + 1 is issued.
    fileprivate var issuedAt: [Duration]
    /// How often each generation arrived in T2 or S1, whatever the answer.
    package fileprivate(set) var presentations: [Int]
    package fileprivate(set) var expiresAt: Duration
    package fileprivate(set) var ended = false

    package var generation: Int { tokens.count - 1 }
}

/// Where a token belongs.
struct TokenPlace: Equatable, Sendable {
    let session: Int
    let generation: Int
}

struct SessionBook: Sendable {
    enum Standing: Equatable {
        case current(TokenPlace)
        /// Superseded, but not longer than the grace time ago.
        case graced(TokenPlace)
        /// Rotated out before.
        case consumed(TokenPlace)
        case expired(TokenPlace)
        case ended(TokenPlace)
        case unknown
    }

    private var sessions: [TenantSession] = []
    private var places: [ExactText: TokenPlace] = [:]
    private var numbersByUser: [ExactText: [Int]] = [:]

    /// Opens a session beside the user's older ones, which stay as they are.
    mutating func open(user: ExactText, fingerprint: ExactText, token: ExactText, now: Duration, life: Int) {
        let number = sessions.count
        sessions.append(
            TenantSession(
                user: user, fingerprint: fingerprint, tokens: [token], issuedAt: [now], presentations: [0],
                expiresAt: now + .seconds(life)))
        places[token] = TokenPlace(session: number, generation: 0)
        numbersByUser[user, default: []].append(number)
    }

    func session(_ place: TokenPlace) -> TenantSession {
        sessions[place.session]
    }

    func place(_ token: ExactText) -> TokenPlace? {
        places[token]
    }

    /// - Parameter grace: seconds; zero for none.
    func standing(_ token: ExactText, now: Duration, grace: Int) -> Standing {
        guard let place = places[token] else { return .unknown }
        let ended = sessions[place.session].ended
        let expired = sessions[place.session].expiresAt <= now
        let newest = sessions[place.session].tokens.count - 1
        if place.generation < newest {
            let supersededAt = sessions[place.session].issuedAt[place.generation + 1]
            let graced = now < supersededAt + .seconds(grace) && !ended && !expired
            return graced ? .graced(place) : .consumed(place)
        }
        if ended { return .ended(place) }
        return expired ? .expired(place) : .current(place)
    }

    /// A T2 or S1 with this token has arrived.
    mutating func presented(_ place: TokenPlace) {
        sessions[place.session].presentations[place.generation] += 1
    }

    /// Supersedes whatever token the session has now.
    mutating func rotate(_ place: TokenPlace, to token: ExactText, now: Duration, life: Int) {
        sessions[place.session].tokens.append(token)
        sessions[place.session].issuedAt.append(now)
        sessions[place.session].presentations.append(0)
        sessions[place.session].expiresAt = now + .seconds(life)
        places[token] = TokenPlace(session: place.session, generation: sessions[place.session].tokens.count - 1)
    }

    func newest(of user: ExactText) -> TenantSession? {
        numbersByUser[user]?.last.map { sessions[$0] }
    }

    /// Ends one session.
    mutating func end(_ place: TokenPlace) { sessions[place.session].ended = true }

    /// Ends every session of the user.
    /// - Returns: how many were still going.
    mutating func end(_ user: ExactText) -> Int {
        var count = 0
        for number in numbersByUser[user] ?? [] where !sessions[number].ended {
            sessions[number].ended = true
            count += 1
        }
        return count
    }
}
