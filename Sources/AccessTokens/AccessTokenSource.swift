// The one place that holds the access token: fast to read, fetched by one at a time.

package import Logging
package import Model
internal import NIOConcurrencyHelpers
package import Telemetry

/// No access token can be used just now.
package struct NoAccessToken: Error, Sendable, Equatable {
    /// How long until it is worth asking again.
    package let retryAfter: Duration
}

/// Gives out the access token and keeps it fresh.
package final class AccessTokenSource: Sendable {
    private struct State {
        var window = AccessTokenWindow()
        /// The fetch in the air.
        var fetch: Task<Void, Never>?
        var mark: AccessTokenMark?
        var fetching: any AccessTokenFetching
    }

    private let state: NIOLockedValueBox<State>
    private let logger: Logger
    private let metrics: SidecarMetrics

    package init(
        _ fetching: any AccessTokenFetching, logger: Logger, metrics: SidecarMetrics = SidecarMetrics()
    ) {
        state = NIOLockedValueBox(State(fetching: fetching))
        (self.logger, self.metrics) = (logger, metrics)
    }

    private var fetching: any AccessTokenFetching { state.withLockedValue(\.fetching) }

    /// Fetches from somewhere else from now on (another client secret). The token that is held serves until the first fetch from there
    /// has succeeded.
    package func replace(_ fetching: any AccessTokenFetching) async {
        let running = state.withLockedValue { state in
            state.fetching = fetching
            return state.fetch
        }
        // What is in the air is of the old source, and must not come after the new one's.
        await running?.value
        await fetchOnce { _ in true }
    }

    /// Whether a request could be sent now (`/readyz`).
    package var isUsable: Bool {
        switch state.withLockedValue({ $0.window.use(at: .now) }) {
        case .token: true
        case .fetch(let fallback), .hold(let fallback, _): fallback != nil
        }
    }

    /// What is left of the token's life; zero without a usable one, nil for one that does not end.
    package var remaining: Duration? {
        state.withLockedValue { state in
            let now = ContinuousClock.now
            switch state.window.use(at: now) {
            case .fetch(nil), .hold(nil, _): return .zero
            case .token, .fetch, .hold: return state.window.expires.map { max(.zero, $0 - now) }
            }
        }
    }

    /// A token that can be used without waiting; nil when `current` has to be asked.
    package var held: SecretText? { state.withLockedValue { $0.window.token(at: .now) } }

    /// A token that has not ended, fetched first if there is none.
    package func current() async throws(NoAccessToken) -> SecretText {
        switch state.withLockedValue({ $0.window.use(at: .now) }) {
        case .token(let token): return token
        case .hold(.some(let token), _): return token
        case .hold(nil, let until): throw NoAccessToken(retryAfter: until - .now)
        case .fetch:
            // Asked again under the lock: the fetch that was waited for may have ended meanwhile.
            await fetchOnce { if case .fetch = $0.window.use(at: .now) { true } else { false } }
            switch state.withLockedValue({ $0.window.use(at: .now) }) {
            case .token(let token), .fetch(.some(let token)), .hold(.some(let token), _): return token
            case .hold(nil, let until): throw NoAccessToken(retryAfter: until - .now)
            case .fetch(nil): throw NoAccessToken(retryAfter: .seconds(1))
            }
        }
    }

    /// The tenant refused `token`. Returns another one to try once, or nil when there is no other.
    package func replacement(for token: SecretText) async -> SecretText? {
        guard fetching.isRenewable else { return nil }
        state.withLockedValue { $0.window.refused(token) }
        guard let next = try? await current(), next != token else { return nil }
        return next
    }

    /// Renews ahead of the end and watches the source for changes, until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            let next = state.withLockedValue(\.window.nextFetch)
            if let next, next <= .now {
                await fetchOnce { $0.window.nextFetch.map { $0 <= .now } ?? false }
            } else if let mark = fetching.changeMark(), mark != state.withLockedValue(\.mark) {
                await fetchOnce { $0.mark != mark }
            } else {
                // The source may change by itself, and a refused token or a failed fetch changes when the next one is due.
                let look = ContinuousClock.Instant.now + .seconds(1)
                try? await Task.sleep(until: min(next ?? look, look), clock: .continuous)
            }
        }
    }

    /// Joins the fetch in the air, or starts one if it is due.
    private func fetchOnce(ifDue isDue: (State) -> Bool) async {
        let task: Task<Void, Never>? = state.withLockedValue { state in
            if let running = state.fetch { return running }
            guard isDue(state) else { return nil }
            let started = Task { await self.fetch() }
            state.fetch = started
            return started
        }
        await task?.value
    }

    private func fetch() async {
        let mark = fetching.changeMark()
        // The tenant counts the life from somewhere between here and its answer: it is never over there before it is here.
        let asked = ContinuousClock.now
        do {
            let fetched = try await fetching.fetch()
            state.withLockedValue { state in
                state.window.fetched(fetched.token, life: fetched.life, at: asked, jitter: .random(in: 0..<1))
                (state.mark, state.fetch) = (mark, nil)
            }
            metrics.accessTokenFetched(failure: nil)
            logger.debug("access token fetched")
        } catch {
            state.withLockedValue { state in
                state.window.fetchFailed(at: .now, jitter: .random(in: 0..<1))
                (state.mark, state.fetch) = (mark, nil)
            }
            metrics.accessTokenFetched(failure: error.label)
            logger.warning(
                "access token not fetched; trying again (ciam-sidecar doctor says what to do)",
                metadata: ["reason": "\(error)"])
        }
    }
}
