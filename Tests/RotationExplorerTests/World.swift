// One state of a small world: a tenant, one or two sidecars with their store, and a few callers.

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
    /// An attempt sends although its time is over and another replica has taken over.
    case sendWithoutLooking
    /// A 5xx is taken for "nothing happened" and the token is presented again.
    case retryServerErrors
    /// After a failover that lost a write nobody gives the store what it has lost.
    case handNothingBack
    /// An attempt goes on although the store did not answer.
    case goOnWithoutTheStore
}

/// What a caller wants.
struct Wish: Hashable, Sendable {
    let user: String?
    /// Generation of the token that it presents; nil for none.
    let token: Int?
    /// Which sidecar it asks.
    var replica = 0
}

struct Caller: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        case idle
        /// What it has asked the store in vain.
        case asking(StoreAnswers)
        /// Until the tenant has settled.
        case settling(Timestamp)
        /// For what another replica's attempt comes to.
        case watching(SessionKey)
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
        case notSent
    }
    let intent: RotationIntent
    let replica: Int
    /// Who asked first.
    let leader: Int
    var since: Timestamp
    var phase = Phase.starting
}

struct World: Hashable, Sendable {
    var now = Timestamp.sample
    /// The generation that the tenant takes.
    var newest = 0
    var store: StoreModel
    /// One for each sidecar; nil while its process is down.
    var ledgers: [SessionLedger?] = []
    var attempts: [Attempt] = []
    var callers: [Caller]
    /// The highest generation that a caller was given.
    var acknowledged = 0
    /// How often each generation was presented.
    var presented: [Int: Int] = [:]
    /// When the answer to a generation's presentation was lost.
    var lost: [Int: Timestamp] = [:]
    var nextAttempt: UInt64 = 0
    /// Every process has its own part of an attempt's name.
    var processes: [UInt64] = []
    /// What may still go wrong.
    var luck: Luck
    /// The rule that the last step broke.
    var broken: String?

    // What only a store on a network has.

    /// What each sidecar has yet to hear of the store, in order; nil while it does not follow it.
    var news: [[News]?] = []
    /// The store before its last write.
    var before: StoreModel
    /// Begun as far as the store may know, and given up by this sidecar.
    var givenUp: [Set<RotationIntent>] = []
    /// The store has gone back behind its last write.
    var hasFailedOver = false

    init(callers: [Wish], replicas: Int, luck: Luck) {
        self.callers = callers.map { Caller(wish: $0) }
        store = StoreModel(isShared: replicas > 1)
        before = store
        processes = (0..<replicas).map { UInt64($0) }
        givenUp = processes.map { _ in [] }
        self.luck = luck
    }

    var isShared: Bool { processes.count > 1 }
}

/// How much may go wrong, and how often.
struct Luck: Hashable, Sendable {
    /// Processes that are killed.
    var crashes = 1
    /// Answers of the tenant that are lost.
    var faults = 2
    /// Times that time passes with nothing to do.
    var ticks = 1
    /// Answers of the store that are lost.
    var lostWrites = 0
    /// Subscriptions that end.
    var cuts = 0
    /// Times that the store falls back behind its last write.
    var failovers = 0
}

enum News: Hashable, Sendable {
    case stored(StoredSession)
    case forgotten(SessionKey)
}
