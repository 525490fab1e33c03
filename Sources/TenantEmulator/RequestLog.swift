// The latest requests the tenant received, with what became of them, for `GET /requests`.

struct RequestRecord: Sendable {
    /// Counts from 1 in order of arrival.
    let number: Int
    let request: ReceivedRequest
    /// `pending` until processed.
    var outcome = "pending"
    /// Kind of the fault that met it.
    var fault: String?
    var user: ExactText?
    var generation: Int?
    /// Status that was sent; nil while there is none, and for good if the connection ended without an answer.
    var status: Int?

    var json: JSONValue {
        .object([
            JSONMember("seq", .integer(number)), JSONMember("method", .text(request.method)),
            JSONMember("path", .text(request.path + (request.query.map { "?" + $0 } ?? ""))),
            JSONMember("protocol", .text(request.protocolName)),
            JSONMember("headers", .array(request.headers.map { .array([.text($0.name), .text($0.value)]) })),
            JSONMember("body", .text(request.bodyText)), JSONMember("outcome", .text(outcome)),
            JSONMember("fault", fault.map { .text($0) } ?? .null),
            JSONMember("user", user.map { .string($0) } ?? .null),
            JSONMember("generation", generation.map { .integer($0) } ?? .null),
            JSONMember("status", status.map { .integer($0) } ?? .null),
        ])
    }

    /// As a person reads HTTP: target, fields, body.
    var text: String {
        let target = request.path + (request.query.map { "?" + $0 } ?? "")
        let fields = request.headers.filter { $0.name.utf8.first != UInt8(ascii: ":") }.map {
            "\($0.name): \($0.value)\n"
        }
        return "\(request.method) \(target) \(request.protocolName)\n\(fields.joined())\n\(request.bodyText)\n"
    }

    /// For standard error: no header, body or token.
    var line: String {
        var line = "\(number) \(request.protocolName) \(request.method) \(request.path) \(status ?? 0) \(outcome)"
        if let fault { line += " fault=\(fault)" }
        if let user { line += " user=\(user.text)" }
        if let generation { line += " generation=\(generation)" }
        return line
    }
}

/// A ring of the last requests, ascending from its oldest slot.
struct RequestLog: Sendable {
    private var ring: [RequestRecord] = []
    /// Slot of the oldest record once the ring is full; 0 before.
    private var oldest = 0
    private let capacity: Int
    var isOn = true

    init(capacity: Int = 20_000) {
        self.capacity = capacity
    }

    mutating func add(_ record: RequestRecord) {
        guard isOn else { return }
        if ring.count < capacity {
            ring.append(record)
        } else {
            ring[oldest] = record
            oldest = (oldest + 1) % capacity
        }
    }

    mutating func note(_ number: Int, _ change: (inout RequestRecord) -> Void) {
        guard let slot = slot(of: number) else { return }
        change(&ring[slot])
    }

    func record(_ number: Int) -> RequestRecord? {
        slot(of: number).map { ring[$0] }
    }

    /// Numbers may have gaps (the log can be switched off for a while), so the place is searched for by halves.
    private func slot(of number: Int) -> Int? {
        let position = firstPosition(from: number)
        guard position < ring.count else { return nil }
        let slot = (oldest + position) % ring.count
        return ring[slot].number == number ? slot : nil
    }

    /// How many records are older than that number.
    private func firstPosition(from number: Int) -> Int {
        var low = 0
        var high = ring.count
        while low < high {
            let middle = (low + high) / 2
            if ring[(oldest + middle) % ring.count].number < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Ascending. Without `after`, the last `limit` ones.
    func records(after: Int?, limit: Int) -> [RequestRecord] {
        let limit = min(max(0, limit), ring.count)
        let first = after.map { firstPosition(from: $0 + 1) } ?? ring.count - limit
        return (first..<min(first + limit, ring.count)).map { ring[(oldest + $0) % ring.count] }
    }
}
