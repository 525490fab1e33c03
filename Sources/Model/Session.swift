// A user's session with the tenant, as it is kept.

/// A session: the newest token, and what is known of the older ones (contract 7).
package struct Session: Sendable, Hashable {
    package enum State: Sendable, Hashable {
        /// The newest token is known.
        case live
        /// A presentation's answer was lost, and the lost attempt was certainly over by then: the tenant may hold a newer token
        /// than we do.
        case unknown(since: Timestamp)
        /// Over until a login: the tenant refused the newest token, or two answers were lost.
        /// Apart, because it is large and rare.
        indirect case dead(Death)
    }

    /// Why a session is dead.
    package enum Death: Sendable, Hashable {
        /// The tenant's refusal, repeated to everyone who asks for this lineage.
        case rejected(Refusal)
        /// The answers to two presentations were lost.
        case lost
    }

    /// What the tenant said when it refused.
    package struct Refusal: Sendable, Hashable {
        package let status: Int
        /// The `Content-Type` value, empty when there was none.
        package let contentType: [UInt8]
        package let body: [UInt8]
        package init(status: Int, contentType: [UInt8], body: [UInt8]) {
            (self.status, self.contentType, self.body) = (status, contentType, body)
        }
    }

    /// A token that a newer one has replaced.
    package struct Superseded: Sendable, Hashable {
        package let hash: TokenHash
        package let at: Timestamp
        package init(hash: TokenHash, at: Timestamp) { (self.hash, self.at) = (hash, at) }
    }

    /// How many superseded tokens are remembered, the oldest forgotten first.
    package static let lineageLimit = 16

    package let key: SessionKey
    /// The newest token.
    package var token: SessionToken
    /// Counts the tokens of this key from 1; never falls. 0: presented, and the tenant has not taken it yet.
    package var generation: UInt64
    /// When `token` ends.
    package var expiresAt: Timestamp
    /// When the tenant gave `token` out.
    package var rotatedAt: Timestamp
    /// UTF-8, as it goes to the tenant; nil until it is pinned (contract 5).
    package var fingerprint: DeviceFingerprint?
    package var state: State
    /// Oldest first, at most `lineageLimit`.
    package var superseded: [Superseded]

    package init(
        key: SessionKey, token: SessionToken, generation: UInt64, expiresAt: Timestamp, rotatedAt: Timestamp,
        fingerprint: DeviceFingerprint?, state: State = .live, superseded: [Superseded] = []
    ) {
        self.key = key
        self.token = token
        self.generation = generation
        self.expiresAt = expiresAt
        self.rotatedAt = rotatedAt
        self.fingerprint = fingerprint
        self.state = state
        self.superseded = superseded
    }

    /// How long the newest token is still good for; negative when it has ended.
    package func remaining(at now: Timestamp) -> Duration { expiresAt - now }

    /// Whether `other` knows more. Within a generation the state only moves forward (live, unknown, dead), so that of two
    /// records of a session, on any replica, one is always the newer one.
    package func isBehind(_ other: Session) -> Bool {
        (generation, state.progress) < (other.generation, other.state.progress)
    }

    /// Whether this may be written over `known` without a rotation: it knows more, or the same told again (a pin).
    package func replaces(_ known: Session) -> Bool {
        generation > known.generation || (token == known.token && !isBehind(known))
    }
}

extension Session.State {
    /// Only grows within a generation.
    package var progress: UInt8 {
        switch self {
        case .live: 0
        case .unknown: 1
        case .dead: 2
        }
    }
}
