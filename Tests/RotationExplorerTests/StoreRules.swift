// What a store on a network adds: news of what others write, answers that get lost, a server that has lost a write.

import Model
import SessionStores
import Sessions

extension Rules {
    /// Writes, and tells every sidecar that follows the store, the writer among them.
    @discardableResult
    func write<Outcome>(_ key: SessionKey, _ world: inout World, _ change: (inout StoreModel) -> Outcome) -> Outcome {
        var store = world.store
        let outcome = change(&store)
        guard store != world.store else { return outcome }
        (world.before, world.store) = (world.store, store)
        guard world.isShared else { return outcome }
        let news = store.load(key, at: world.now).map { News.stored($0) } ?? .forgotten(key)
        for replica in world.news.indices where world.ledgers[replica] != nil { world.news[replica]?.append(news) }
        return outcome
    }

    /// What may happen between the sidecars and the store.
    func storeSteps(_ world: World, _ step: (String, (inout World) -> Void) -> Void) {
        for replica in world.ledgers.indices {
            guard let ledger = world.ledgers[replica] else { continue }
            if let news = world.news[replica] {
                if !news.isEmpty { step("sidecar \(replica) hears what was written") { hear(replica, &$0) } }
                if world.luck.cuts > 0 {
                    step("the subscription of sidecar \(replica) ends") {
                        $0.luck.cuts -= 1
                        $0.news[replica] = nil
                        $0.ledgers[replica]?.follows(false)
                    }
                }
            } else {
                step("sidecar \(replica) follows the store again") {
                    $0.news[replica] = []
                    $0.ledgers[replica]?.follows(true)
                }
            }
            for intent in world.givenUp[replica] {
                step("sidecar \(replica) clears what it gave up") {
                    write(intent.key, &$0) { $0.abandon(intent) }
                    $0.givenUp[replica].remove(intent)
                }
            }
            if ledger.unsaved[alice] != nil, ledger.session(alice) != nil {
                step("sidecar \(replica) saves what only memory has") { save(replica, &$0) }
            }
        }
        if world.luck.failovers > 0, world.before != world.store {
            step("the store falls back behind its last write") { fallBack(&$0) }
        }
    }

    private func hear(_ replica: Int, _ world: inout World) {
        let isWatched = world.callers.contains { $0.wish.replica == replica && $0.phase == .watching(alice) }
        switch world.news[replica]?.removeFirst() {
        case .stored(let stored):
            world.ledgers[replica]?.heard(stored, isWanted: isWatched, at: world.now)
        case .forgotten(let key): world.ledgers[replica]?.heardRemoval(of: key)
        case nil: break
        }
        for index in world.callers.indices
        where world.callers[index].wish.replica == replica && world.callers[index].phase == .watching(alice) {
            world.callers[index].phase = .idle
        }
    }

    private func save(_ replica: Int, _ world: inout World) {
        guard let session = world.ledgers[replica]?.session(alice) else { return }
        let outcome = write(alice, &world) { $0.save(session, tokenHash: hasher.hash(session.token)) }
        world.ledgers[replica]?.saved(session, outcome, at: world.now)
    }

    /// What was written may have been written or not; nobody presents anything, and it is cleared when the store can be asked.
    func beginUnheard(_ index: Int, _ world: inout World) {
        let (attempt, now) = (world.attempts[index], world.now)
        world.luck.lostWrites -= 1
        if flaw == .goOnWithoutTheStore {
            (world.attempts[index].phase, world.attempts[index].since) = (.begun, now)
            return
        }
        _ = write(attempt.intent.key, &world) { $0.begin(attempt.intent, at: now) }
        world.givenUp[attempt.replica].insert(attempt.intent)
        deliver(index, nil, .notSent, &world)
    }

    /// Memory keeps what the store may not have, and whoever waits gets it. What memory alone has ends with its process, as
    /// documented: nobody is killed from then on.
    func commitUnheard(
        _ index: Int, _ session: Session, _ answer: Attempt.Answer, isWritten: Bool, _ world: inout World
    ) {
        let attempt = world.attempts[index]
        world.luck.lostWrites -= 1
        if isWritten {
            _ = write(session.key, &world) {
                $0.commit(session, tokenHash: hasher.hash(session.token), ending: attempt.intent)
            }
        }
        world.luck.crashes = 0
        if session.key != attempt.intent.key { world.ledgers[attempt.replica]?.forget(attempt.intent.key) }
        world.ledgers[attempt.replica]?.keep(session, unsaved: .rotation)
        world.attempts[index].phase = .committed(session, answer)
    }

    /// Every sidecar connects to another server, which has all but the last write, and gives it what it remembers.
    private func fallBack(_ world: inout World) {
        world.luck.failovers -= 1
        world.luck.crashes = 0
        world.store = world.before
        world.hasFailedOver = true
        for replica in world.ledgers.indices {
            world.ledgers[replica]?.follows(false)
            if flaw != .handNothingBack { _ = world.ledgers[replica]?.handBack(since: nil) }
            world.ledgers[replica]?.follows(true)
            if world.news[replica] != nil { world.news[replica] = [] }
        }
    }

    /// Whether an older token than the newest given out may be in the store: a sidecar has yet to save what its memory has.
    func mayBeBehind(_ world: World) -> Bool {
        world.hasFailedOver || world.ledgers.contains { $0?.unsaved[alice] != nil }
    }

    /// The newest token that is in the store, or in the memory of a sidecar that is about to save it.
    func newestKept(_ world: World) -> Int {
        let stored = world.store.load(alice, at: world.now)?.session
        let kept = world.ledgers.compactMap { $0 }.filter { $0.unsaved[alice] != nil }.compactMap { $0.session(alice) }
        return (kept + [stored].compactMap { $0 }).map { generation($0.token) }.max() ?? 0
    }
}
