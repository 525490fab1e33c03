// What may happen next in a world: real ledger, real store rules, every order of events.

import Model
import SessionStores
import Sessions
import TestSupport

/// The rules of the world.
struct Rules: Sendable {
    let flaw: Flaw?
    let policy: RotationPolicy
    let hasher = TokenHasher(key: [UInt8](repeating: 7, count: 32))
    let alice: SessionKey
    let tokens: [SessionToken]

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
    func start(_ callers: [Wish], luck: Luck) -> World {
        let replicas = (callers.map(\.replica).max() ?? 0) + 1
        var world = World(callers: callers, replicas: replicas, luck: luck)
        let first = Session(
            key: alice, token: tokens[0], generation: 1, expiresAt: world.now + .seconds(43_200), rotatedAt: world.now,
            fingerprint: nil)
        _ = world.store.save(first, tokenHash: hasher.hash(tokens[0]))
        world.before = world.store
        world.ledgers = world.processes.map { ledger(of: $0, in: world) }
        world.news = world.processes.map { _ in [] }
        return world
    }

    func ledger(of process: UInt64, in world: World) -> SessionLedger {
        var ledger = SessionLedger(policy: policy, hasher: hasher, process: process, isShared: world.isShared)
        if world.isShared { ledger.follows(true) }
        return ledger
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
        for replica in world.ledgers.indices where world.ledgers[replica] == nil {
            step("sidecar \(replica) starts") {
                $0.processes[replica] += 2
                $0.ledgers[replica] = ledger(of: $0.processes[replica], in: $0)
                $0.news[replica] = []
            }
        }
        if world.isShared { storeSteps(world, step) }
        for index in world.callers.indices where mayAct(world.callers[index], world) {
            let name = "caller \(index)"
            switch world.callers[index].phase {
            case .idle, .asking:
                step("\(name) asks with \(describe(world.callers[index].wish))") { ask(index, &$0) }
            case .settling(let until):
                step("\(name) waits for the tenant to settle") {
                    pass(until - $0.now, &$0)
                    $0.callers[index].phase = .idle
                }
            case .watching(let key):
                step("\(name) looks into the store") { look(index, key, &$0) }
                let left = world.store.load(key, at: world.now)?.unfinished?.left ?? .zero
                if left > .zero {
                    step("\(name) waits until the other's attempt is over") {
                        pass(left, &$0)
                        look(index, key, &$0)
                    }
                }
            case .waiting: step("\(name) hangs up") { hangUp(index, &$0) }
            case .over: break
            }
        }
        for index in world.attempts.indices { steps += attemptSteps(index, world) }
        if world.luck.crashes > 0 {
            for replica in world.ledgers.indices where world.ledgers[replica] != nil {
                step("sidecar \(replica) is killed") { crash(replica, &$0) }
                let inTheAir = world.attempts.filter { $0.phase == .inTheAir && $0.replica == replica }
                guard !inTheAir.isEmpty else { continue }
                step("the tenant processes, then sidecar \(replica) is killed") {
                    for attempt in inTheAir { _ = tenant(attempt, &$0) }
                    crash(replica, &$0)
                }
            }
        }
        if world.luck.ticks > 0 {
            for duration in [Duration.seconds(2), .seconds(31), .seconds(601)] {
                step("\(duration) pass") {
                    pass(duration, &$0)
                    $0.luck.ticks -= 1
                    if flaw == .leaseWithoutFencing { expireLeases(&$0) }
                }
            }
        }
        return steps
    }

    /// What is in the air is cut off at its limit. A process that was stopped sleeps through its own.
    func pass(_ duration: Duration, _ world: inout World) {
        world.now = world.now + max(duration, .zero)
        for index in world.attempts.indices where world.attempts[index].phase == .inTheAir {
            let attempt = world.attempts[index]
            if world.now - attempt.since >= attempt.intent.limit { lose(index, .lost, &world) }
        }
    }

    /// A caller holds a token only once somebody was given it, and its sidecar has to be there.
    private func mayAct(_ caller: Caller, _ world: World) -> Bool {
        (caller.wish.token ?? 0) <= world.acknowledged && world.ledgers[caller.wish.replica] != nil
    }

    /// Somebody who could be answered never is: nothing more can happen in this world.
    func isStuck(_ world: World) -> Bool {
        world.callers.contains { $0.phase != .over && mayAct($0, world) }
    }

    private func describe(_ wish: Wish) -> String {
        "\(wish.user ?? "no user"), \(wish.token.map { "T\($0)" } ?? "no token")"
    }

    // MARK: callers

    private func ask(_ index: Int, _ world: inout World) {
        let wish = world.callers[index].wish
        var read: StoreAnswers = [:]
        if case .asking(let asked) = world.callers[index].phase { read = asked }
        let claim = SessionClaim(
            user: wish.user.flatMap { UserKey(bytes($0)) }, token: wish.token.map { tokens[$0] })
        let name = AttemptID(high: world.processes[wish.replica], low: world.nextAttempt + 1)
        let decision = world.ledgers[wish.replica]?.decide(
            claim, for: .refresh, read: read, attempt: name, at: world.now)
        switch decision {
        case nil: break
        case .load(let query):
            let stored: StoredSession? =
                switch query {
                case .key(let key): world.store.load(key, at: world.now)
                case .token(let hash): world.store.find(hash, at: world.now)
                }
            read[query] = .some(stored?.session.key)
            if let stored { world.ledgers[wish.replica]?.loaded(stored, at: world.now) }
            world.callers[index].phase = .asking(read)
        case .start(let intent):
            world.nextAttempt += 1
            world.attempts.append(
                Attempt(intent: intent, replica: wish.replica, leader: index, since: world.now))
            world.callers[index].phase = .waiting(intent.attempt, shared: true)
        case .join(let attempt): world.callers[index].phase = .waiting(attempt, shared: true)
        case .wait(let attempt): world.callers[index].phase = .waiting(attempt, shared: false)
        case .watch(let key): world.callers[index].phase = .watching(key)
        case .replay(let session):
            acknowledge(session, &world)
            world.callers[index].phase = .over
        case .settle(let left): world.callers[index].phase = .settling(world.now + left)
        case .refuse, .use, .useForeign: world.callers[index].phase = .over
        }
    }

    /// How another replica's attempt stands.
    func look(_ index: Int, _ key: SessionKey, _ world: inout World) {
        let replica = world.callers[index].wish.replica
        if let stored = world.store.load(key, at: world.now) {
            world.ledgers[replica]?.loaded(stored, at: world.now)
        } else {
            world.ledgers[replica]?.forget(key)
        }
        world.callers[index].phase = .idle
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

    func crash(_ replica: Int, _ world: inout World) {
        world.luck.crashes -= 1
        world.ledgers[replica] = nil
        world.givenUp[replica] = []
        world.attempts.removeAll { $0.replica == replica }
        for index in world.callers.indices where world.callers[index].wish.replica == replica {
            switch world.callers[index].phase {
            case .idle: break
            case .asking, .settling, .watching: world.callers[index].phase = .idle
            case .waiting, .over: world.callers[index].phase = .over
            }
        }
    }

    // MARK: attempts

    private func attemptSteps(_ index: Int, _ world: World) -> [(String, World)] {
        var steps: [(String, World)] = []
        let attempt = world.attempts[index]
        let name =
            world.ledgers.count > 1
            ? "attempt \(attempt.intent.attempt.low) of sidecar \(attempt.replica)"
            : "attempt \(attempt.intent.attempt.low)"
        func step(_ what: String, _ change: (inout World) -> Void) {
            var next = world
            change(&next)
            check(&next)
            steps.append(("\(name) \(what)", next))
        }
        switch attempt.phase {
        // What only memory has is saved first.
        case .starting where world.ledgers[attempt.replica]?.unsaved[attempt.intent.key] != nil: break
        case .starting:
            step("writes its intent") { begin(index, &$0) }
            guard world.luck.lostWrites > 0 else { break }
            step("writes its intent, the store's answer is lost") { beginUnheard(index, &$0) }
        case .begun:
            let isOver = world.now - attempt.since >= attempt.intent.limit
            if isOver, flaw != .sendWithoutLooking {
                step("sends nothing: its time is over") { $0.attempts[index].phase = .abandoning(.notSent) }
            } else {
                step("presents T\(generation(attempt.intent.token))") { present(index, &$0) }
            }
        case .inTheAir:
            step("is answered") { $0.attempts[index].phase = .answered(tenant(attempt, &$0)) }
            guard world.luck.faults > 0 else { break }
            step("gets a 500, nothing processed") {
                $0.luck.faults -= 1
                lose(index, .serverError, &$0)
            }
            step("is processed, its answer is lost") {
                $0.luck.faults -= 1
                _ = tenant(attempt, &$0)
                lose(index, .lost, &$0)
            }
        case .answered(let answer):
            step("reads \(answer)") { settle(index, answer, &$0) }
        case .committing(let session, let answer):
            step("commits T\(generation(session.token))") { commit(index, session, answer, &$0) }
            guard world.luck.lostWrites > 0 else { break }
            step("commits T\(generation(session.token)), the store's answer is lost") {
                commitUnheard(index, session, answer, isWritten: true, &$0)
            }
            step("commits T\(generation(session.token)), which does not reach the store") {
                commitUnheard(index, session, answer, isWritten: false, &$0)
            }
        case .abandoning(let answer):
            step("clears its intent") {
                write(attempt.intent.key, &$0) { $0.abandon(attempt.intent) }
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
        let (intent, replica) = (world.attempts[index].intent, world.attempts[index].replica)
        let now = world.now
        switch write(intent.key, &world, { $0.begin(intent, at: now) }) {
        case .granted:
            if generation(intent.token) < world.acknowledged, !mayBeBehind(world) {
                world.broken =
                    "an attempt with T\(generation(intent.token)) begins after T\(world.acknowledged) was given out"
            }
            world.ledgers[replica]?.granted(intent)
            world.attempts[index].phase = .begun
            world.attempts[index].since = world.now
        case .held(let unfinished):
            world.ledgers[replica]?.held(intent, by: unfinished, at: world.now)
            deliver(index, nil, nil, &world)
        case .moved(let newer): moved(index, to: newer, &world)
        }
    }

    /// The store knows more than the attempt.
    private func moved(_ index: Int, to newer: Session?, _ world: inout World) {
        let (intent, replica) = (world.attempts[index].intent, world.attempts[index].replica)
        if let newer { world.ledgers[replica]?.publish(newer) } else { world.ledgers[replica]?.forget(intent.key) }
        deliver(index, newer, nil, &world)
    }

    private func present(_ index: Int, _ world: inout World) {
        let attempt = world.attempts[index]
        let generation = generation(attempt.intent.token)
        // The claims and losses that a failed over store has lost count for nothing, as documented; what was given out does.
        if !world.hasFailedOver { checkPresentation(attempt, generation, &world) }
        world.presented[generation, default: 0] += 1
        if world.presented[generation] ?? 0 > 2, !world.hasFailedOver {
            world.broken = "T\(generation) is presented a third time"
        }
        world.attempts[index].phase = .inTheAir
    }

    private func checkPresentation(_ attempt: Attempt, _ generation: Int, _ world: inout World) {
        if world.attempts.contains(where: { $0.phase == .inTheAir && $0.intent.token == attempt.intent.token }) {
            world.broken = "T\(generation) is in the air twice"
        }
        // Another replica that was stopped with the answer in its hands may give it out between a takeover and this.
        if generation < world.acknowledged, world.ledgers.count == 1 {
            world.broken = "T\(generation) is presented after T\(world.acknowledged) was given out"
        }
        if let stored = world.store.load(attempt.intent.key, at: world.now)?.session, case .dead = stored.state,
            stored.token == attempt.intent.token
        {
            world.broken = "a dead session is presented"
        }
        if attempt.intent.key != alice { world.broken = "another user's key presents T\(generation)" }
        if let lost = world.lost[generation], world.now - lost < policy.settle {
            world.broken = "T\(generation) is presented again before the tenant has settled"
        }
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
        case .notSent: .unreachable
        }
    }

    private func settle(_ index: Int, _ answer: Attempt.Answer, _ world: inout World) {
        let (intent, replica) = (world.attempts[index].intent, world.attempts[index].replica)
        if answer == .rejected, flaw == .deleteOnRejection {
            write(intent.key, &world) { $0.forget(intent.key) }
            world.ledgers[replica]?.forget(intent.key)
            return deliver(index, nil, answer, &world)
        }
        switch world.ledgers[replica]?.settle(intent, outcome(answer), at: world.now) {
        case .commit(let session):
            world.attempts[index].phase = .committing(session, answer)
            if flaw == .commitAfterAnswering { tell(intent.attempt, session, answer, &world) }
        case .abandon, nil: world.attempts[index].phase = .abandoning(answer)
        }
    }

    private func commit(_ index: Int, _ session: Session, _ answer: Attempt.Answer, _ world: inout World) {
        let (intent, replica) = (world.attempts[index].intent, world.attempts[index].replica)
        let hash = hasher.hash(session.token)
        if flaw == .leaseWithoutFencing {
            world.store.forget(session.key)
            _ = world.store.save(session, tokenHash: hash)
        } else if case .fenced(let newer) = write(
            session.key, &world, { $0.commit(session, tokenHash: hash, ending: intent) })
        {
            // A token that the tenant gave out is not thrown away because somebody held the attempt for lost.
            let isKnown = newer.map { $0.generation <= intent.generation } ?? true
            guard case .renewed = answer, isKnown, world.ledgers[replica]?.session(intent.key) != nil,
                case .committed = write(session.key, &world, { $0.save(session, tokenHash: hash) })
            else { return moved(index, to: newer, &world) }
        }
        world.ledgers[replica]?.succeeded(intent, as: session)
        world.attempts[index].phase = .committed(session, answer)
    }

    func deliver(_ index: Int, _ session: Session?, _ answer: Attempt.Answer?, _ world: inout World) {
        let attempt = world.attempts.remove(at: index)
        end(attempt, &world)
        tell(attempt.intent.attempt, session, answer, &world)
    }

    private func end(_ attempt: Attempt, _ world: inout World) {
        world.ledgers[attempt.replica]?.ended(attempt.intent)
        guard flaw == .cancelOnDisconnect else { return }
        for index in world.callers.indices {
            if case .waiting(attempt.intent.attempt, _) = world.callers[index].phase {
                world.callers[index].phase = .idle
            }
        }
    }

    /// Everybody who waits: those who share the answer have it, the others ask again; so do all after a loss, and when nothing was
    /// decided (nil).
    private func tell(_ attempt: AttemptID, _ session: Session?, _ answer: Attempt.Answer?, _ world: inout World) {
        for index in world.callers.indices {
            guard case .waiting(attempt, let shared) = world.callers[index].phase else { continue }
            var asksAgain = answer == nil
            if case .unknown = session?.state { asksAgain = true }
            world.callers[index].phase = shared && !asksAgain ? .over : .idle
            if shared, case .renewed = answer, let session { acknowledge(session, &world) }
        }
    }

    private func expireLeases(_ world: inout World) {
        for attempt in world.attempts where world.now - attempt.since >= .seconds(2) {
            world.ledgers[attempt.replica]?.ended(attempt.intent)
        }
    }

    // MARK: what must hold in every world

    private func check(_ world: inout World) {
        guard world.broken == nil else { return }
        if world.acknowledged > newestKept(world) {
            world.broken = "T\(world.acknowledged) was given out and is not in the store"
        }
        for caller in world.callers {
            if case .waiting(let attempt, _) = caller.phase,
                !world.attempts.contains(where: { $0.intent.attempt == attempt })
            {
                world.broken = "a caller waits for an attempt that is over"
            }
        }
    }
}
