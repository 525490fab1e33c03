// One fault that a test has switched on: which requests it meets and what it does to them.

package struct Fault: Sendable, Equatable {
    /// What takes the place of, or follows, the tenant's own processing.
    package enum Kind: Sendable, Equatable {
        /// Waits, then goes on as usual.
        case delay(Duration)
        /// Processed at once, answered later.
        case delayAfter(Duration)
        /// Connection reset, nothing processed.
        case resetBefore
        /// Processed, then the connection is reset without a byte of the answer.
        case resetAfter
        /// Processed; the head promises the whole body, only so many bytes of it follow, then the connection ends.
        case truncate(Int)
        /// This answer, nothing processed.
        case status(ReplacedAnswer)
        /// Processed, then this answer.
        case statusAfter(ReplacedAnswer)
        /// Processed; the body goes out one byte at a time, with this pause before each.
        case drip(Duration)
        /// These bytes, so many letters behind them, then the end of the connection; nothing processed. On HTTP/2 just the end.
        case raw(String, filler: Int)
        /// Parked unprocessed until released.
        case hold
        /// Processed, the answer parked until released.
        case holdAfter
    }

    package struct ReplacedAnswer: Sendable, Equatable {
        package let status: Int
        /// Nil: a business error `SDK.COMMON.1008`.
        package let body: String?
        /// Seconds, or any other text that belongs into `Retry-After`.
        package let retryAfter: String?
    }

    package let id: Int
    let name: String
    let method: ExactText?
    let pathPrefix: String?
    let user: ExactText?
    let kind: Kind
    /// Firings left; -1 for no end.
    var remaining: Int
    /// A request that waited (`delay`, `hold`) and whose caller has gone: processed all the same, as a tenant that has
    /// read it does (false), or forgotten (true).
    let dropsAbandoned: Bool

    func matches(_ request: ReceivedRequest, user found: ExactText?) -> Bool {
        if let method, method != ExactText(request.method) { return false }
        if let pathPrefix, !request.path.utf8.starts(with: pathPrefix.utf8) { return false }
        if let user, user != found { return false }
        return remaining != 0
    }

    var json: JSONValue {
        .object(
            [
                JSONMember("id", .integer(id)), JSONMember("kind", .text(name)),
                JSONMember("count", .integer(remaining)),
            ] + (pathPrefix.map { [JSONMember("path", .text($0))] } ?? []))
    }
}

/// The faults that are switched on, oldest first. The first that matches a request meets it, no other.
struct FaultList: Sendable {
    private(set) var armed: [Fault] = []

    mutating func add(_ fault: Fault) {
        armed.append(fault)
    }

    mutating func clear() {
        armed.removeAll()
    }

    /// Whether any fault asks for a user, so that looking one up is worth it.
    var asksForUser: Bool {
        armed.contains { $0.user != nil }
    }

    /// Uses up one firing.
    mutating func fire(for request: ReceivedRequest, user: ExactText?) -> Fault? {
        guard let index = armed.firstIndex(where: { $0.matches(request, user: user) }) else { return nil }
        let fault = armed[index]
        if fault.remaining > 0 {
            armed[index].remaining -= 1
            if armed[index].remaining == 0 { armed.remove(at: index) }
        }
        return fault
    }
}
