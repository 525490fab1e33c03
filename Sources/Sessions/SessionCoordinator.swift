// Waits and does what the ledger decides: asks the store, presents tokens, tells those who wait.

package import Logging
package import Model
internal import NIOConcurrencyHelpers
package import Telemetry

/// What a call that wants the newest token gets.
package enum NewestSession: Sendable {
    case session(Session)
    /// Send this token as it came; `adopt` it for `key` if the tenant takes it.
    case foreign(SessionToken, key: SessionKey)
    case refused(SessionRefusal)
    /// A rotation is running and did not end in time; it goes on.
    case pending
    /// The rotation that had to come first failed and the old token has ended.
    case failed(RotationResult)
}

/// What a refresh gets.
package enum RefreshedSession: Sendable {
    /// `shared` when another caller's presentation brought the answer.
    case rotated(RotationResult, shared: Bool)
    /// The newest token is young enough; nothing was sent.
    case replay(Session)
    case refused(SessionRefusal)
    case pending
}

/// The one owner of the ledger. All waiting is here, no rule is.
package final class SessionCoordinator: Sendable {
    struct State {
        var ledger: SessionLedger
        var flights: [AttemptID: RotationFlight] = [:]
        /// How the last rotation of a session failed; gone with the next success.
        var failures: [SessionKey: RotationFailure] = [:]
        var idTokens = IDTokenBook()
        /// A write failed and none has gone through since.
        var storeFails = false
        /// Begun as far as the store may know, and given up: cleared when the store takes writes again.
        var givenUp: [RotationIntent] = []
        /// Looks at what becomes of another replica's attempt, each for everybody who waits for it.
        var looks: [SessionKey: (flight: RotationFlight, task: Task<Void, Never>)] = [:]
        private var lastAttempt: AttemptID

        init(policy: RotationPolicy, hasher: TokenHasher, isShared: Bool) {
            let process = UInt64.random(in: .min ... .max)
            ledger = SessionLedger(policy: policy, hasher: hasher, process: process, isShared: isShared)
            lastAttempt = AttemptID(high: process, low: 0)
        }

        mutating func note(_ outcome: RenewalOutcome, of key: SessionKey) {
            failures[key] = nil
            guard let failure = RotationFailure(outcome) else { return }
            // They tell somebody who looks; whoever fails by the thousand is looked at in another way.
            if failures.count >= 10_000 { failures.removeAll() }
            failures[key] = failure
        }

        mutating func nextAttempt() -> AttemptID {
            lastAttempt = AttemptID(high: lastAttempt.high, low: lastAttempt.low &+ 1)
            return lastAttempt
        }
    }

    enum Step {
        case decided(SessionDecision)
        case started(RotationIntent, RotationFlight)
        case flight(RotationFlight, shared: Bool)
    }

    let state: NIOLockedValueBox<State>
    let store: any SessionStore
    let clock: any WallClock
    let policy: RotationPolicy
    let logger: Logger
    let metrics: SidecarMetrics
    /// Where rotations run.
    let executor: (any TaskExecutor)?
    let deadlines = Deadlines()

    /// Told of every step of a rotation; tests end the process there.
    let reached: @Sendable (RotationStep) -> Void

    /// - Parameter executor: where rotations run: where requests do, they change no thread but for the store; nil for Swift's own.
    package init(
        store: any SessionStore, clock: any WallClock, policy: RotationPolicy, logger: Logger,
        metrics: SidecarMetrics = SidecarMetrics(), executor: (any TaskExecutor)? = nil,
        reached: @escaping @Sendable (RotationStep) -> Void = { _ in }
    ) {
        (self.store, self.clock, self.policy, self.logger) = (store, clock, policy, logger)
        (self.metrics, self.executor, self.reached) = (metrics, executor, reached)
        state = NIOLockedValueBox(
            State(policy: policy, hasher: TokenHasher(key: store.keys.lineage), isShared: store.isShared))
        if store.isShared { store.follow { [weak self] in self?.heard($0) } }
    }

    /// What keeps a store on the network from being used.
    package var storeTrouble: StoreTrouble? { store.trouble }

    /// Whether every acknowledged token is on disk.
    package var isDurable: Bool { state.withLockedValue { $0.ledger.unsaved.isEmpty } }

    /// Whether the store takes writes, as far as is known; while it does not, no rotation begins.
    package var isWritable: Bool { state.withLockedValue { !$0.storeFails } }

    /// The sessions in memory by state, and how many of them are being rotated.
    package var tally: (states: SessionTally, refreshing: Int) {
        state.withLockedValue { ($0.ledger.tally, $0.ledger.countInTheAir) }
    }

    /// How logs call a user: the same name for the same user while the store keeps its key, and nothing can be read from it.
    package func logName(of user: UserKey) -> String { state.withLockedValue(\.ledger.hasher).logName(of: user) }

    /// The session whose newest token a call has to carry, after a rotation if it is about to end.
    package func newest(for claim: SessionClaim, renewal: some SessionRenewal) async throws(StoreError) -> NewestSession
    {
        let first = step(claim, .use, [:], rotationTried: false)
        if case .decided(.use(let session)) = first { return .session(session) }
        return try await newest(for: claim, renewal: renewal, from: first)
    }

    /// Apart, because what it has to remember while it waits is large, and most calls wait for nothing.
    @inline(never)
    private func newest(
        for claim: SessionClaim, renewal: some SessionRenewal, from first: Step
    ) async throws(StoreError) -> NewestSession {
        let started = ContinuousClock.now
        var read: StoreAnswers = [:]
        var failure: RotationResult?
        var next = first
        while true {
            switch next {
            case .decided(.load(let query)): try await load(query, &read)
            case .decided(.refuse(let refusal)): return .refused(note(refusal))
            case .decided(.useForeign(let token, let key)): return .foreign(token, key: key)
            case .decided(.use(let session)):
                guard let failure, session.remaining(at: clock.now()) <= .zero else { return .session(session) }
                return .failed(failure)
            case .decided(.settle(let left)):
                guard await settle(left, since: started) else { return .pending }
            case .decided(.watch(let key)):
                guard try await watch(key, since: started) else { return .pending }
                read = [:]
            case .started(let intent, let flight):
                launch(intent, flight, renewal)
                guard let result = await flight.result(within: patience(since: started)) else { return .pending }
                failure = result.failure
                read = [:]
            case .flight(let flight, _):
                guard let result = await flight.result(within: patience(since: started)) else { return .pending }
                failure = result.failure
                read = [:]
            case .decided: return .refused(.unknown)
            }
            next = step(claim, .use, read, rotationTried: failure != nil)
        }
    }

    /// One rotation for everybody who asks, or the newest token when the presented one was replaced a short while ago.
    /// - Parameter purpose: `.refresh`, or `.exchange` for a call whose answer nobody else can use.
    package func refresh(
        for claim: SessionClaim, as purpose: SessionPurpose = .refresh, renewal: some SessionRenewal
    ) async throws(StoreError) -> RefreshedSession {
        let started = ContinuousClock.now
        var read: StoreAnswers = [:]
        while true {
            switch step(claim, purpose, read, rotationTried: false) {
            case .decided(.load(let query)): try await load(query, &read)
            case .decided(.refuse(let refusal)): return .refused(note(refusal))
            case .decided(.replay(let session)):
                metrics.replayed()
                return .replay(session)
            case .decided(.settle(let left)):
                guard await settle(left, since: started) else { return .pending }
            case .decided(.watch(let key)):
                guard try await watch(key, since: started) else { return .pending }
                read = [:]
            case .started(let intent, let flight):
                launch(intent, flight, renewal)
                guard let result = await flight.result(within: patience(since: started)) else { return .pending }
                if case .moved = result, purpose == .exchange { continue }
                if !result.asksAgain { return .rotated(result, shared: false) }
                read = [:]
            case .flight(let flight, let shared):
                guard let result = await flight.result(within: patience(since: started)) else { return .pending }
                if shared, !result.asksAgain {
                    metrics.coalesced()
                    return .rotated(result, shared: true)
                }
                read = [:]
            case .decided: return .refused(.unknown)
            }
        }
    }

    private func note(_ refusal: SessionRefusal) -> SessionRefusal {
        if refusal == .superseded { metrics.supersededTokenPresented() }
        return refusal
    }

    func patience(since started: ContinuousClock.Instant) -> Duration {
        policy.refreshWait - (ContinuousClock.now - started)
    }

    /// Waits until a token whose answer was lost may be presented once more.
    /// - Returns: false when the caller's patience ends before.
    func settle(_ left: Duration, since started: ContinuousClock.Instant) async -> Bool {
        let patience = patience(since: started)
        await clock.sleep(for: min(left, max(patience, .zero)))
        return left <= patience && !Task.isCancelled
    }

    /// One decision, and the flight that belongs to it, under one lock. Not inlined: what it needs for a moment would be kept by
    /// everybody who waits.
    @inline(never)
    func step(
        _ claim: SessionClaim, _ purpose: SessionPurpose, _ read: StoreAnswers, rotationTried: Bool
    ) -> Step {
        state.withLockedValue { state in
            let decision = state.ledger.decide(
                claim, for: purpose, read: read, rotationTried: rotationTried, attempt: state.nextAttempt(),
                at: clock.now())
            switch decision {
            case .start(let intent):
                let flight = RotationFlight(deadlines)
                state.flights[intent.attempt] = flight
                return .started(intent, flight)
            case .join(let attempt):
                return state.flights[attempt].map { .flight($0, shared: true) } ?? .decided(decision)
            case .wait(let attempt):
                return state.flights[attempt].map { .flight($0, shared: false) } ?? .decided(decision)
            default: return .decided(decision)
            }
        }
    }

    /// Asks the store. Where it cannot be asked, memory goes on with what it has (contract 9).
    func load(_ query: StoreQuery, _ read: inout StoreAnswers) async throws(StoreError) {
        do throws(StoreError) { try await ask(query, &read) } catch {
            guard case .key(let key) = query, state.withLockedValue({ $0.ledger.isKnown(key) }) else {
                throw error
            }
            read[query] = .some(key)
        }
    }

    /// Asks the store and tells the ledger. An answer that a removal has overtaken is none.
    func ask(_ query: StoreQuery, _ read: inout StoreAnswers) async throws(StoreError) {
        let asked = state.withLockedValue { $0.ledger.asks() }
        defer { state.withLockedValue { $0.ledger.answered() } }
        let stored: StoredSession?
        switch query {
        case .key(let key): stored = try await store.load(key)
        case .token(let hash): stored = try await store.find(hash)
        }
        read[query] = state.withLockedValue { state in
            if let stored {
                let key = stored.session.key
                let isThere =
                    state.ledger.loaded(stored, asked: asked, at: clock.now()) || state.ledger.isKnown(key)
                return .some(isThere ? key : nil)
            }
            if case .key(let key) = query { state.ledger.missing(key) }
            return .some(nil)
        }
    }
}

extension RotationResult {
    /// Whether a caller who waited goes on: the token may be presented once more, or nothing was decided.
    var asksAgain: Bool {
        switch self {
        case .lost, .overtaken: true
        default: false
        }
    }

    /// Nil for the results that leave a live session behind.
    var failure: RotationResult? {
        switch self {
        case .renewed, .moved, .overtaken: nil
        default: self
        }
    }
}
