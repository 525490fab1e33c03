// Leaves a tenant alone that fails every time, and finds out when it works again; counts and times what goes to it.

package import Model
internal import NIOConcurrencyHelpers
package import Telemetry

/// When requests go out and when not, as a value.
///
/// Closed: all go out. After `failures` in a row it opens: for a pause none goes out, then one at a time to try. The pause doubles with
/// each trial that fails, up to `longestPause`; the first that succeeds closes it.
package struct CircuitBreaker: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package enum Permission: Sendable, Equatable {
        case go
        /// The one request that tries whether the tenant works again.
        case trial
        /// Not now; worth asking again after so long.
        case stay(Duration)
    }

    /// What a request said about the tenant.
    package enum Outcome: Sendable {
        case success
        /// No answer, or a 5xx.
        case failure
        /// Nothing: the caller went away, or its body failed.
        case neither
    }

    private enum State: Sendable {
        case closed(failures: Int)
        case open(until: Instant, pause: Duration)
        /// Until `patience` is over; then another request tries as well: the first may be a long upload.
        case trying(pause: Duration, until: Instant)
    }

    /// Failures in a row until it opens.
    package static let failures = 20
    package static let shortestPause = Duration.seconds(1)
    package static let longestPause = Duration.seconds(30)
    /// How long one trial keeps the others waiting.
    package static let patience = Duration.seconds(5)

    private var state = State.closed(failures: 0)

    package init() {}

    package var isOpen: Bool { if case .closed = state { false } else { true } }

    private var isTrying: Bool { if case .trying = state { true } else { false } }

    package mutating func ask(at now: Instant) -> Permission {
        switch state {
        case .closed: return .go
        case .trying(let pause, let until), .open(let until, let pause):
            guard now >= until else { return .stay(isTrying ? Self.shortestPause : until - now) }
            state = .trying(pause: pause, until: now + Self.patience)
            return .trial
        }
    }

    /// - Parameters:
    ///   - permission: what the request was given.
    ///   - jitter: 0..<1, so that many sidecars do not try at the same moment; asked for when it opens, and not otherwise.
    package mutating func ended(
        _ permission: Permission, _ outcome: Outcome, at now: Instant, jitter: @autoclosure () -> Double
    ) {
        switch (state, permission, outcome) {
        case (.trying, .trial, .success): state = .closed(failures: 0)
        case (.trying(let pause, _), .trial, .failure): open(for: min(pause * 2, Self.longestPause), now, jitter())
        // It says nothing: the next one tries.
        case (.trying(let pause, _), .trial, .neither): state = .open(until: now, pause: pause)
        case (.closed, _, .success): state = .closed(failures: 0)
        case (.closed(let failures), _, .failure):
            state = .closed(failures: failures + 1)
            if failures + 1 >= Self.failures { open(for: Self.shortestPause, now, jitter()) }
        // Late answers of requests from before it opened.
        default: break
        }
    }

    private mutating func open(for pause: Duration, _ now: Instant, _ jitter: Double) {
        state = .open(until: now + pause * (0.8 + 0.4 * jitter), pause: pause)
    }
}

/// The upstream port behind a breaker, counted and timed.
package struct BreakingTransport: UpstreamTransport {
    private let transport: any UpstreamTransport
    private let metrics: SidecarMetrics
    private let breaker = NIOLockedValueBox(CircuitBreaker())
    private let changed: @Sendable (_ isOpen: Bool) -> Void

    /// - Parameters:
    ///   - metrics: gets the time until each answer, and the reason of each failure, `suspended` where nothing was sent.
    ///   - changed: told when it opens and when it closes.
    package init(
        _ transport: any UpstreamTransport, metrics: SidecarMetrics,
        changed: @escaping @Sendable (_ isOpen: Bool) -> Void = { _ in }
    ) {
        (self.transport, self.metrics, self.changed) = (transport, metrics, changed)
    }

    package var isOpen: Bool { breaker.withLockedValue(\.isOpen) }

    package func send(_ request: UpstreamRequest) async throws(TransportError) -> UpstreamResponse {
        let started = ContinuousClock.now
        let permission = breaker.withLockedValue { $0.ask(at: started) }
        do throws(TransportError) {
            if case .stay(let left) = permission {
                throw TransportError(.suspended, maybeSent: false, retryAfter: left)
            }
            let response = try await transport.send(request)
            let now = ContinuousClock.now
            metrics.upstreamAnswered(after: now - started)
            ended(permission, response.status >= 500 ? .failure : .success, at: now)
            return response
        } catch {
            metrics.upstreamFailed(error.reason.rawValue)
            ended(permission, error.reason.outcome, at: .now)
            throw error
        }
    }

    private func ended(
        _ permission: CircuitBreaker.Permission, _ outcome: CircuitBreaker.Outcome, at now: CircuitBreaker.Instant
    ) {
        let change: Bool? = breaker.withLockedValue { breaker in
            let before = breaker.isOpen
            breaker.ended(permission, outcome, at: now, jitter: .random(in: 0..<1))
            return breaker.isOpen == before ? nil : breaker.isOpen
        }
        if let change { changed(change) }
    }
}

extension TransportError.Reason {
    fileprivate var outcome: CircuitBreaker.Outcome {
        switch self {
        case .unreachable, .connectTimeout, .tls, .broken, .timeout: .failure
        case .requestBody, .cancelled, .closed, .suspended: .neither
        }
    }
}
