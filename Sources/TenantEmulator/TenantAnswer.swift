// What the tenant answers, with the notes that tests read in the request log.

package struct TenantAnswer: Sendable, Equatable {
    package var status: Int
    /// Without Content-Length.
    package var headers: [HeaderField]
    package var body: [UInt8]
    /// What became of the request, in words of the control port, e.g. `refreshed` or `session_reused`.
    package var outcome: String
    package var user: ExactText?
    /// The generation of the session token that was presented; for a login, of the one that was issued (0).
    package var generation: Int?

    init(
        _ status: Int, outcome: String, json: JSONValue, user: ExactText? = nil, generation: Int? = nil
    ) {
        self.status = status
        self.headers = [HeaderField("Content-Type", "application/json;charset=UTF-8")]
        self.body = json.encoded
        self.outcome = outcome
        self.user = user
        self.generation = generation
    }

    /// A success without a word.
    static func empty(outcome: String) -> TenantAnswer {
        var answer = TenantAnswer(200, outcome: outcome, json: .null)
        answer.body = []
        return answer
    }

    /// A business refusal: 400 with `error_code` and `error_msg` (tenant-api 3.1).
    static func refusal(_ code: String, _ message: String, outcome: String, status: Int = 400) -> TenantAnswer {
        TenantAnswer(
            status, outcome: outcome,
            json: .object([JSONMember("error_code", .text(code)), JSONMember("error_msg", .text(message))]))
    }

    /// A refusal of the OAuth layer: `error` and `error_description` (tenant-api 3.1).
    static func oauthRefusal(_ error: String, _ message: String, outcome: String, status: Int = 400) -> TenantAnswer {
        TenantAnswer(
            status, outcome: outcome,
            json: .object([JSONMember("error", .text(error)), JSONMember("error_description", .text(message))]))
    }

    func about(_ user: ExactText?, generation: Int? = nil) -> TenantAnswer {
        var answer = self
        answer.user = user
        answer.generation = generation
        return answer
    }

    package var json: JSONValue? {
        try? JSONReading.value(body)
    }
}
