// How `POST /faults` spells a fault.

extension Fault {
    /// What is wrong with the description of a fault, in words for a test's author.
    struct Unreadable: Error, Equatable {
        let reason: String
    }

    private static let members: Set<ExactText> = [
        "method", "path", "user", "kind", "count", "ms", "bytes", "status", "body", "retry_after", "text", "filler",
        "if_client_gone",
    ]

    /// Every member that is not understood is refused: a misspelt selector would otherwise match everything.
    init(id: Int, json: JSONValue) throws(Unreadable) {
        guard case .object(let given) = json else { throw Unreadable(reason: "not an object") }
        if let odd = given.first(where: { !Self.members.contains($0.name) }) {
            throw Unreadable(reason: "unknown member \(odd.name.text)")
        }
        guard let name = json["kind"]?.string else { throw Unreadable(reason: "kind is missing") }
        let count = json["count"].map { $0.int } ?? 1
        guard let count, count == -1 || count > 0 else { throw Unreadable(reason: "count is -1 or positive") }
        self.id = id
        self.name = name
        self.method = try Self.text("method", json).map { ExactText($0) }
        self.pathPrefix = try Self.text("path", json)
        self.user = try Self.text("user", json).map { ExactText($0) }
        self.remaining = count
        self.kind = try Self.kind(name, json)
        switch json["if_client_gone"]?.string {
        case nil, "process": self.dropsAbandoned = false
        case "drop": self.dropsAbandoned = true
        default: throw Unreadable(reason: "if_client_gone is process or drop")
        }
    }

    private static func kind(_ name: String, _ json: JSONValue) throws(Unreadable) -> Kind {
        switch name {
        case "delay": .delay(.milliseconds(try number("ms", json)))
        case "delay-after": .delayAfter(.milliseconds(try number("ms", json)))
        case "reset-before": .resetBefore
        case "reset-after": .resetAfter
        case "truncate": .truncate(try number("bytes", json))
        case "status": .status(try replacedAnswer(json))
        case "status-after": .statusAfter(try replacedAnswer(json))
        case "drip": .drip(.milliseconds(try number("ms", json)))
        case "raw": .raw(try text("text", json) ?? "", filler: try filler(json))
        case "hold": .hold
        case "hold-after": .holdAfter
        default: throw Unreadable(reason: "unknown kind \(name)")
        }
    }

    private static func replacedAnswer(_ json: JSONValue) throws(Unreadable) -> ReplacedAnswer {
        let status = try number("status", json)
        guard (200...599).contains(status) else { throw Unreadable(reason: "status is 200 to 599") }
        let retryAfter = json["retry_after"].flatMap { $0.string ?? $0.int.map { String($0) } }
        return ReplacedAnswer(status: status, body: try text("body", json), retryAfter: retryAfter)
    }

    private static func filler(_ json: JSONValue) throws(Unreadable) -> Int {
        let filler = json["filler"] == nil ? 0 : try number("filler", json)
        guard filler <= 1 << 28 else { throw Unreadable(reason: "filler is more than 256 MiB") }
        return filler
    }

    private static func number(_ name: String, _ json: JSONValue) throws(Unreadable) -> Int {
        guard let number = json[name]?.int, number >= 0 else { throw Unreadable(reason: "\(name) is no whole number") }
        return number
    }

    private static func text(_ name: String, _ json: JSONValue) throws(Unreadable) -> String? {
        guard let value = json[name], value != .null else { return nil }
        guard let text = value.string else { throw Unreadable(reason: "\(name) is no string") }
        return text
    }
}

extension Fault.ReplacedAnswer {
    /// The answer that takes the place of the tenant's own.
    /// - Parameter outcome: what is noted in the request log.
    func answer(outcome: String) -> TenantAnswer {
        var answer = TenantAnswer.refusal(
            "SDK.COMMON.1008", "The system is busy. Please try again later.", outcome: outcome, status: status)
        if let body {
            answer.body = Array(body.utf8)
        }
        if let retryAfter {
            answer.headers.append(HeaderField("Retry-After", retryAfter))
        }
        return answer
    }
}
