// When the access token may be used and when it is renewed, as a value; time is passed in.

package import Model

/// The held token and the times that follow from it (contract 6). Times are of the monotonic clock.
package struct AccessTokenWindow: Sendable {
    package typealias Instant = ContinuousClock.Instant

    private struct Held: Sendable {
        let token: SecretText
        /// Nil for a token that does not end.
        let expires: Instant?
        /// From here on it is renewed in the background.
        let advisory: Instant?
        /// From here on a caller waits for the renewal.
        let mandatory: Instant?
    }

    /// What a caller may do now.
    package enum Use: Sendable, Equatable {
        case token(SecretText)
        /// Fetch first; if that fails, `fallback` is still good.
        case fetch(fallback: SecretText?)
        /// The last fetch failed; the next is not before then. `fallback` is still good.
        case hold(fallback: SecretText?, until: Instant)
    }

    private var held: Held?
    private var failures = 0
    private var notBefore: Instant?

    package init() {}

    /// What a caller gets at `now`.
    package func use(at now: Instant) -> Use {
        if let token = token(at: now) { return .token(token) }
        let valid = held.flatMap { held in held.expires.map { now < $0 } ?? true ? held.token : nil }
        if let notBefore, now < notBefore { return .hold(fallback: valid, until: notBefore) }
        return .fetch(fallback: valid)
    }

    /// What a caller gets without waiting, as `use` has it; `now` is asked for if there is a time to compare it with.
    package func token(at now: @autoclosure () -> Instant) -> SecretText? {
        guard let held else { return nil }
        guard let mandatory = held.mandatory else { return held.token }
        return now() < mandatory ? held.token : nil
    }

    /// When the background should fetch next; nil when a token that does not end is held.
    package var nextFetch: Instant? {
        guard let held else { return notBefore ?? .now }
        guard let advisory = held.advisory else { return nil }
        return max(advisory, notBefore ?? advisory)
    }

    /// When the held token ends.
    package var expires: Instant? { held?.expires }

    /// A fetch brought a token.
    /// - Parameters:
    ///   - life: nil for a token that does not end.
    ///   - jitter: 0..<1; spreads the renewals of many sidecars over a tenth of the life.
    package mutating func fetched(_ token: SecretText, life: Duration?, at now: Instant, jitter: Double) {
        failures = 0
        notBefore = nil
        guard let life else {
            held = Held(token: token, expires: nil, advisory: nil, mandatory: nil)
            return
        }
        let edge = min(Duration.seconds(60), life / 10)
        let advisory = min(life * (0.7 + 0.1 * jitter), life - edge)
        held = Held(token: token, expires: now + life, advisory: now + advisory, mandatory: now + (life - edge))
    }

    /// A fetch failed: back off from 1 s to 60 s, with up to a half of jitter taken off.
    package mutating func fetchFailed(at now: Instant, jitter: Double) {
        let pause = min(Duration.seconds(1 << min(failures, 6)), .seconds(60))
        failures += 1
        notBefore = now + pause * (1 - 0.5 * jitter)
    }

    /// The tenant refused a token. Only that one is dropped: a late refusal of an old token says nothing about the new one.
    package mutating func refused(_ token: SecretText) {
        if held?.token == token { held = nil }
    }
}
