// The settings that the rotation rules depend on.

/// Settings of contract 7, with its defaults.
package struct RotationPolicy: Sendable {
    /// How long a superseded token still gets the newest answer (`SIDECAR_ROTATION_GRACE`).
    package var grace: Duration = .seconds(600)
    /// A refresh that presents the newest token this soon after a rotation is answered from memory; zero = off
    /// (`SIDECAR_REFRESH_MIN_INTERVAL`).
    package var minimumInterval: Duration = .zero
    /// A call whose token has less than this left is preceded by a rotation (`SIDECAR_REFRESH_AHEAD`).
    package var refreshAhead: Duration = .seconds(60)
    /// How long a caller waits for a rotation (`SIDECAR_REFRESH_WAIT`).
    package var refreshWait: Duration = .seconds(8)
    /// A token's life when the tenant does not say, at most (tenant section 5).
    package var assumedLife: Duration = .seconds(43_200)

    /// What is done after an answer was lost (`SIDECAR_LOST_ANSWER`).
    package var lostAnswer = LostAnswer.probe
    /// How long after the lost attempt is certainly over the token is presented once more (`SIDECAR_LOST_ANSWER_SETTLE`).
    package var settle: Duration = .seconds(1)
    /// An attempt ends this long after it began, whoever waits for it (contract 7.3).
    package var attemptLimit: Duration = .seconds(30)
    /// The longest that a tenant's `Retry-After` is heeded.
    package var longestRest: Duration = .seconds(300)
    /// How many sessions are kept in memory (`SIDECAR_CACHE_SESSIONS`); the others are read from the store when asked for.
    package var memoryLimit = 100_000
    /// Whether the id_tokens that come with session tokens are kept in memory (the profile says so).
    package var keepsIDTokens = false
    /// The pauses before a presentation of which nothing was sent is tried again.
    package var unsentPauses: [Duration] = [.milliseconds(100), .milliseconds(400)]

    /// What happens to rotations while a shared store cannot be used (`SIDECAR_STORE_DOWN`).
    package var storeDown = StoreDown.refuse

    package enum StoreDown: String, CaseIterable, Sendable {
        /// None begins: nobody can know whether another replica is presenting the same token.
        case refuse
        /// They go on, and memory keeps what comes of it until the store takes it. For a single replica, or a tenant that forgives.
        case allow
    }

    /// Whether a token whose answer was lost is presented again.
    package enum LostAnswer: String, CaseIterable, Sendable {
        /// Once. If the tenant had not rotated, the session lives on.
        case probe
        /// Never: the session is over at the first loss.
        case retire
    }

    package init() {}
}
