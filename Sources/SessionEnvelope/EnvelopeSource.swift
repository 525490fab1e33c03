// Seals session tokens with the tenant's key and time, which are fetched once and kept.

package import Model
internal import NIOConcurrencyHelpers

/// The port through which key and time are fetched. Implemented in Pipeline.
package protocol EnvelopeFetching: Sendable {
    /// The body of the tenant's 200 to `GET /api/v2/sdk/public-key`.
    func publicKey() async throws(EnvelopeFault) -> [UInt8]
    /// The body of the tenant's 200 to `GET /api/v2/sdk/server-date`.
    func serverDate() async throws(EnvelopeFault) -> [UInt8]
}

/// A sealed token, and what it was sealed with.
package struct SealedToken: Sendable {
    /// The value of `X-signature`: base64.
    package let text: [UInt8]
    /// Counts the fetches of key and time.
    package let edition: Int
}

/// Holds the tenant's public key and its clock for the life of the process, until the tenant refuses an envelope.
package final class EnvelopeSource: Sendable {
    private struct Facts: Sendable {
        let key: EnvelopeKey
        let clock: ServerClock
        let edition: Int
    }

    private struct State {
        var facts: Facts?
        var editions = 0
        /// The fetch in the air.
        var fetch: Task<Result<Facts, EnvelopeFault>, Never>?
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    /// - Parameters:
    ///   - refused: an envelope that the tenant did not take: what it was sealed with is fetched anew.
    package func seal(
        _ token: SessionToken, insteadOf refused: SealedToken? = nil, fetching: some EnvelopeFetching
    ) async throws(EnvelopeFault) -> SealedToken {
        let facts = try await facts(after: refused?.edition ?? 0, fetching)
        let text = EnvelopeText.text(
            token, timestamp: facts.clock.timestamp(at: .now), nonce: .random(in: .min ... .max))
        return SealedToken(text: try facts.key.seal(text), edition: facts.edition)
    }

    /// Joins the fetch in the air or starts one; it goes on when the caller leaves.
    private func facts(after refused: Int, _ fetching: some EnvelopeFetching) async throws(EnvelopeFault) -> Facts {
        let task: Task<Result<Facts, EnvelopeFault>, Never>? = state.withLockedValue { state in
            if let facts = state.facts, facts.edition > refused { return nil }
            if let running = state.fetch { return running }
            state.editions += 1
            let edition = state.editions
            let started = Task { await self.fetch(edition, fetching) }
            state.fetch = started
            return started
        }
        if let task { return try await task.value.get() }
        guard let facts = state.withLockedValue(\.facts) else { throw .unreadable }
        return facts
    }

    private func fetch(_ edition: Int, _ fetching: some EnvelopeFetching) async -> Result<Facts, EnvelopeFault> {
        let result: Result<Facts, EnvelopeFault>
        do throws(EnvelopeFault) {
            let key = try EnvelopeKey(answer: try await fetching.publicKey())
            let sent = ContinuousClock.now
            let answer = try await fetching.serverDate()
            guard let clock = ServerClock(answer: answer, sent: sent, received: .now) else { throw .unreadable }
            result = .success(Facts(key: key, clock: clock, edition: edition))
        } catch {
            result = .failure(error)
        }
        state.withLockedValue { state in
            if case .success(let facts) = result { state.facts = facts }
            state.fetch = nil
        }
        return result
    }
}
