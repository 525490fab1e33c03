// One state of a small world: a tenant, a sidecar with its store, and a few callers. Every step that may happen next.

import Model
import SessionStores
import Sessions
import TestSupport

/// How the sidecar is wrong; nil of them is how it is.
enum Flaw: String, CaseIterable, Sendable {
    /// The claim on a session is a lease of two seconds, and a write asks for nothing.
    case leaseWithoutFencing
    /// The leader's caller hangs up and the attempt ends with it.
    case cancelOnDisconnect
    /// The app gets its answer before the token is durable.
    case commitAfterAnswering
    /// A refusal as dead removes whatever session is stored.
    case deleteOnRejection
    /// A 5xx is taken for "nothing happened" and the token is presented again.
    case retryServerErrors
}

/// What a caller wants.
struct Wish: Hashable, Sendable {
    let user: String?
    /// Generation of the token that it presents; nil for none.
    let token: Int?
}

struct Caller: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        case idle
        /// What it has asked the store in vain.
        case asking(Set<StoreQuery>)
        case waiting(AttemptID, shared: Bool)
        /// Has its answer, hung up, or its process died.
        case over
    }
    let wish: Wish
    var phase = Phase.idle
}

struct Attempt: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        case starting
        case begun
        case inTheAir
        /// The tenant has answered (a generation, or a refusal), or the answer was lost.
        case answered(Answer)
        case committing(Session, Answer)
        case abandoning(Answer)
        case committed(Session, Answer)
    }
    enum Answer: Hashable, Sendable {
        case renewed(Int)
        case rejected
        case serverError
        case lost
    }
    let intent: RotationIntent
    /// Who asked first.
    let leader: Int
    let since: Timestamp
    var phase = Phase.starting
}

struct World: Hashable, Sendable {
    var now = Timestamp.sample
    /// The generation that the tenant takes.
    var newest = 0
    var store = StoreModel()
    /// Nil while the process is down.
    var ledger: SessionLedger?
    var attempts: [Attempt] = []
    var callers: [Caller]
    /// The highest generation that a caller was given.
    var acknowledged = 0
    /// How often each generation was presented.
    var presented: [Int: Int] = [:]
    /// When the answer to a generation's presentation was lost.
    var lost: [Int: Timestamp] = [:]
    var nextAttempt: UInt64 = 0
    /// What may still go wrong.
    var crashes: Int
    var faults: Int
    var ticks: Int
    /// The rule that the last step broke.
    var broken: String?

    init(callers: [Wish], crashes: Int, faults: Int, ticks: Int) {
        self.callers = callers.map { Caller(wish: $0) }
        (self.crashes, self.faults, self.ticks) = (crashes, faults, ticks)
    }
}

/// The rules of the world: real ledger, real store rules, every order of events.
struct Rules: Sendable {
    let flaw: Flaw?
    let policy: RotationPolicy
    let hasher = TokenHasher(key: [UInt8](repeating: 7, count: 32))
    let alice: SessionKey
    private let tokens: [SessionToken]

    init(flaw: Flaw?) throws {
        self.flaw = flaw
        var policy = RotationPolicy()
        policy.unsentPauses = []
        self.policy = policy
        alice = try .sample("alice")
        tokens = try (0..<12).map { try .sample("T\($0)") }
    }

    func generation(_ token: SessionToken) -> Int { tokens.firstIndex(of: token) ?? -1 }

    /// alice has logged in; T0 is stored and known.
    func start(_ callers: [Wish], crashes: Int, faults: Int, ticks: Int) -> World {
        var world = World(callers: callers, crashes: crashes, faults: faults, ticks: ticks)
        let first = Session(
            key: alice, token: tokens[0], generation: 1, expiresAt: world.now + .seconds(43_200), rotatedAt: world.now,
            fingerprint: nil)
        _ = world.store.save(first, tokenHash: hasher.hash(tokens[0]))
        world.ledger = SessionLedger(policy: policy, hasher: hasher)
        return world
    }

    // MARK: what may happen next

    /// Every next world with the name of the step.
    func steps(_ world: World) -> [(name: String, world: World)] {
        var steps: [(String, World)] = []
        func step(_ name: String, _ change: (inout World) -> Void) {
            var next = world
            change(&next)
            check(&next)
            steps.append((name, next))
        }
        if world.ledger == nil {
            step("the process starts") { $0.ledger = SessionLedger(policy: policy, hasher: hasher) }
            return steps
        }
        // A caller holds a token only once somebody was given it.
        for index in world.callers.indices where world.callers[index].wish.token ?? 0 <= world.acknowledged {
            switch world.callers[index].phase {
            case .idle, .asking:
                step("caller \(index) asks with \(describe(world.callers[index].wish))") { ask(index, &$0) }
            case .waiting: step("caller \(index) hangs up") { hangUp(index, &$0) }
            case .over: break
            }
        }
        for index in world.attempts.indices { steps += attemptSteps(index, world) }
        if world.crashes > 0 {
            step("the process is killed") { crash(&$0) }
            if world.attempts.contains(where: { $0.phase == .inTheAir }) {
                step("the tenant processes, then the process is killed") {
                    for attempt in $0.attempts where attempt.phase == .inTheAir { _ = tenant(attempt, &$0) }
                    crash(&$0)
                }
            }
        }
        if world.ticks > 0 {
            for duration in [Duration.seconds(2), .seconds(601)] {
                step("\(duration) pass") {
                    $0.now = $0.now + duration
                    $0.ticks -= 1
                    if flaw == .leaseWithoutFencing { expireLeases(&$0) }
                }
            }
        }
        return steps
    }

    private func describe(_ wish: Wish) -> String {
        "\(wish.user ?? "no user"), \(wish.token.map { "T\($0)" } ?? "no token")"
    }

    // MARK: callers

    private func ask(_ index: Int, _ world: inout World) {
        let wish = world.callers[index].wish
        var read: Set<StoreQuery> = []
        if case .asking(let asked) = world.callers[index].phase { read = asked }
        world.nextAttempt += 1
        let claim = SessionClaim(
            user: wish.user.flatMap { UserKey(bytes($0)) }, token: wish.token.map { tokens[$0] })
        let decision = world.ledger?.decide(
            claim, for: .refresh, read: read, attempt: AttemptID(high: 0, low: world.nextAttempt), at: world.now)
        switch decision {
        case nil: break
        case .load(let query):
            let stored: StoredSession? =
                switch query {
                case .key(let key): world.store.load(key)
                case .token(let hash): world.store.find(hash)
                }
            read.insert(query)
            world.ledger?.loaded(stored, for: query, at: world.now)
            world.callers[index].phase = .asking(read)
        case .start(let intent):
            world.attempts.append(Attempt(intent: intent, leader: index, since: world.now))
            world.callers[index].phase = .waiting(intent.attempt, shared: true)
        case .join(let attempt): world.callers[index].phase = .waiting(attempt, shared: true)
        case .wait(let attempt): world.callers[index].phase = .waiting(attempt, shared: false)
        case .replay(let session):
            acknowledge(session, &world)
            world.callers[index].phase = .over
        case .settle: world.callers[index].phase = .idle
        case .refuse, .use, .useForeign: world.callers[index].phase = .over
        }
        if case .asking = world.callers[index].phase { return }
        // An attempt's name is used up only when an attempt was begun.
        if case .start = decision { return }
        world.nextAttempt -= 1
    }

    private func hangUp(_ index: Int, _ world: inout World) {
        world.callers[index].phase = .over
        guard flaw == .cancelOnDisconnect, let own = world.attempts.firstIndex(where: { $0.leader == index }) else {
            return
        }
        end(world.attempts.remove(at: own), &world)
    }

    private func acknowledge(_ session: Session, _ world: inout World) {
        let generation = generation(session.token)
        world.acknowledged = max(world.acknowledged, generation)
    }

    private func crash(_ world: inout World) {
        world.crashes -= 1
        world.ledger = nil
        world.attempts = []
        for index in world.callers.indices {
            switch world.callers[index].phase {
            case .idle: break
            case .asking: world.callers[index].phase = .idle
            case .waiting, .over: world.callers[index].phase = .over
            }
        }
    }

    // MARK: attempts

    private func attemptSteps(_ index: Int, _ world: World) -> [(String, World)] {
        var steps: [(String, World)] = []
        let attempt = world.attempts[index]
        let name = "attempt \(attempt.intent.attempt.low)"
        func step(_ what: String, _ change: (inout World) -> Void) {
            var next = world
            change(&next)
            check(&next)
            steps.append(("\(name) \(what)", next))
        }
        switch attempt.phase {
        case .starting:
            step("writes its intent") { begin(index, &$0) }
        case .begun:
            step("presents T\(generation(attempt.intent.token))") { present(index, &$0) }
        case .inTheAir:
            step("is answered") { $0.attempts[index].phase = .answered(tenant(attempt, &$0)) }
            guard world.faults > 0 else { break }
            step("gets a 500, nothing processed") {
                $0.faults -= 1
                lose(index, .serverError, &$0)
            }
            step("is processed, its answer is lost") {
                $0.faults -= 1
                _ = tenant(attempt, &$0)
                lose(index, .lost, &$0)
            }
        case .answered(let answer):
            step("reads \(answer)") { settle(index, answer, &$0) }
        case .committing(let session, let answer):
            step("commits T\(generation(session.token))") { commit(index, session, answer, &$0) }
        case .abandoning(let answer):
            step("clears its intent") {
                $0.store.abandon(attempt.intent.key, attempt: attempt.intent.attempt)
                deliver(index, nil, answer, &$0)
            }
        case .committed(let session, let answer):
            step("tells who waits") { deliver(index, session, answer, &$0) }
        }
        return steps
    }

    private func lose(_ index: Int, _ answer: Attempt.Answer, _ world: inout World) {
        world.attempts[index].phase = .answered(answer)
        world.lost[generation(world.attempts[index].intent.token)] = world.now
    }

    private func begin(_ index: Int, _ world: inout World) {
        switch world.store.begin(world.attempts[index].intent) {
        case .granted: world.attempts[index].phase = .begun
        case .moved(let newer):
            if let newer { world.ledger?.publish(newer) }
            deliver(index, newer, .lost, &world)
        }
    }

    private func present(_ index: Int, _ world: inout World) {
        let attempt = world.attempts[index]
        let generation = generation(attempt.intent.token)
        if world.attempts.contains(where: { $0.phase == .inTheAir && $0.intent.token == attempt.intent.token }) {
            world.broken = "T\(generation) is in the air twice"
        }
        if generation < world.acknowledged {
            world.broken = "T\(generation) is presented after T\(world.acknowledged) was given out"
        }
        if let stored = world.store.load(attempt.intent.key)?.session, case .dead = stored.state,
            stored.token == attempt.intent.token
        {
            world.broken = "a dead session is presented"
        }
        if attempt.intent.key != alice { world.broken = "another user's key presents T\(generation)" }
        if let lost = world.lost[generation], world.now - lost < policy.settle {
            world.broken = "T\(generation) is presented again before the tenant has settled"
        }
        world.presented[generation, default: 0] += 1
        if world.presented[generation] ?? 0 > 2 { world.broken = "T\(generation) is presented a third time" }
        world.attempts[index].phase = .inTheAir
    }

    /// The strict tenant: a token that has been used is dead.
    private func tenant(_ attempt: Attempt, _ world: inout World) -> Attempt.Answer {
        guard generation(attempt.intent.token) == world.newest, world.newest + 1 < tokens.count else {
            return .rejected
        }
        world.newest += 1
        return .renewed(world.newest)
    }

    private func outcome(_ answer: Attempt.Answer) -> RenewalOutcome {
        switch answer {
        case .renewed(let generation): .renewed(tokens[generation])
        case .rejected: .rejected
        case .serverError: flaw == .retryServerErrors ? .unreachable : .failed
        case .lost: flaw == .retryServerErrors ? .unreachable : .reset
        }
    }

    private func settle(_ index: Int, _ answer: Attempt.Answer, _ world: inout World) {
        let intent = world.attempts[index].intent
        if answer == .rejected, flaw == .deleteOnRejection {
            world.store.forget(intent.key)
            world.ledger?.forget(intent.key)
            return deliver(index, nil, answer, &world)
        }
        switch world.ledger?.settle(intent, outcome(answer), at: world.now) {
        case .commit(let session):
            world.attempts[index].phase = .committing(session, answer)
            if flaw == .commitAfterAnswering { tell(intent.attempt, session, answer, &world) }
        case .abandon, nil: world.attempts[index].phase = .abandoning(answer)
        }
    }

    private func commit(_ index: Int, _ session: Session, _ answer: Attempt.Answer, _ world: inout World) {
        let attempt = world.attempts[index].intent.attempt
        let hash = hasher.hash(session.token)
        if flaw == .leaseWithoutFencing {
            world.store.forget(session.key)
            _ = world.store.save(session, tokenHash: hash)
        } else if case .fenced(let newer) = world.store.commit(session, tokenHash: hash, attempt: attempt) {
            if let newer { world.ledger?.publish(newer) }
            return deliver(index, newer, .lost, &world)
        }
        world.ledger?.publish(session)
        world.attempts[index].phase = .committed(session, answer)
    }

    private func deliver(_ index: Int, _ session: Session?, _ answer: Attempt.Answer, _ world: inout World) {
        let attempt = world.attempts.remove(at: index)
        end(attempt, &world)
        tell(attempt.intent.attempt, session, answer, &world)
    }

    private func end(_ attempt: Attempt, _ world: inout World) {
        world.ledger?.ended(attempt.intent)
        guard flaw == .cancelOnDisconnect else { return }
        for index in world.callers.indices {
            if case .waiting(attempt.intent.attempt, _) = world.callers[index].phase {
                world.callers[index].phase = .idle
            }
        }
    }

    /// Everybody who waits: those who share the answer have it, the others ask again; so do all after a loss.
    private func tell(_ attempt: AttemptID, _ session: Session?, _ answer: Attempt.Answer, _ world: inout World) {
        for index in world.callers.indices {
            guard case .waiting(attempt, let shared) = world.callers[index].phase else { continue }
            var mayBeProbed = false
            if case .unknown = session?.state { mayBeProbed = true }
            world.callers[index].phase = shared && !mayBeProbed ? .over : .idle
            if shared, case .renewed = answer, let session { acknowledge(session, &world) }
        }
    }

    private func expireLeases(_ world: inout World) {
        for attempt in world.attempts where world.now - attempt.since >= .seconds(2) {
            world.ledger?.ended(attempt.intent)
        }
    }

    // MARK: what must hold in every world

    private func check(_ world: inout World) {
        guard world.broken == nil else { return }
        let stored = world.store.load(alice)?.session
        if world.acknowledged > 0, generation(stored?.token ?? tokens[0]) < world.acknowledged {
            world.broken = "T\(world.acknowledged) was given out and is not in the store"
        }
        for caller in world.callers {
            if case .waiting(let attempt, _) = caller.phase, world.ledger != nil,
                !world.attempts.contains(where: { $0.intent.attempt == attempt })
            {
                world.broken = "a caller waits for an attempt that is over"
            }
        }
    }
}
