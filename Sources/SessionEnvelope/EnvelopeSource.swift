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

    private enum FactsSource {
        case known(Facts)
        case fetch(Task<Result<Facts, EnvelopeFault>, Never>)
    }

    private struct State {
        var facts: Facts?
        var editions = 0
        /// The fetch in the air.
        var fetch: Task<Result<Facts, EnvelopeFault>, Never>?
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    /// - Parameter fetching: asked for key and time if they are not known.
    package func seal(_ token: SessionToken, fetching: some EnvelopeFetching) async throws(EnvelopeFault) -> SealedToken
    {
        let facts = try await facts(fetching)
        let text = EnvelopeText.text(
            token, timestamp: facts.clock.timestamp(at: .now), nonce: .random(in: .min ... .max))
        return SealedToken(text: try facts.key.seal(text), edition: facts.edition)
    }

    /// The tenant did not take it: the next one is sealed with what is fetched anew.
    package func refused(_ refused: SealedToken) {
        state.withLockedValue { if $0.facts?.edition == refused.edition { $0.facts = nil } }
    }

    /// What is known, else what the fetch in the air brings; it goes on when the caller leaves.
    private func facts(_ fetching: some EnvelopeFetching) async throws(EnvelopeFault) -> Facts {
        let source: FactsSource = state.withLockedValue { state in
            if let facts = state.facts { return .known(facts) }
            if let running = state.fetch { return .fetch(running) }
            state.editions += 1
            let edition = state.editions
            let started = Task { await self.fetch(edition, fetching) }
            state.fetch = started
            return .fetch(started)
        }
        switch source {
        case .known(let facts): return facts
        case .fetch(let task): return try await task.value.get()
        }
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
