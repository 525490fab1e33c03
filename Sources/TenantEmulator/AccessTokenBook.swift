// The application's bearer tokens: which were issued, and until when they count.

struct AccessTokenBook: Sendable {
    enum Standing: Equatable {
        case valid
        case expired
        case unknown
    }

    /// End of life of each token, as time since 1970.
    private var ends: [ExactText: Duration] = [:]
    /// Expired tokens are swept above this count, which then grows so that sweeping stays rare.
    private var sweepAbove = 100_000

    /// Several tokens are valid at once: a new one never ends an older one (T1, several valid at once).
    mutating func issue(_ token: ExactText, now: Duration, life: Int) {
        if ends.count > sweepAbove {
            ends = ends.filter { $0.value > now }
            sweepAbove = max(sweepAbove, 2 * ends.count)
        }
        ends[token] = now + .seconds(life)
    }

    func standing(_ token: ExactText, now: Duration) -> Standing {
        guard let end = ends[token] else { return .unknown }
        return end > now ? .valid : .expired
    }

    /// Whether the token was ever issued, alive or not.
    func knows(_ token: ExactText) -> Bool {
        ends[token] != nil
    }

    mutating func expireAll(now: Duration) {
        ends = ends.mapValues { min($0, now) }
    }
}
