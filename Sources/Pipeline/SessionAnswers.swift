// What the end of a rotation is to the app.

internal import JSONText
internal import Model
internal import Sessions

extension LocalAnswer {
    /// What a refresh came to.
    init(_ refreshed: RefreshedSession, at now: Timestamp) throws(ProxyError) {
        switch refreshed {
        case .rotated(let result, let shared): try self.init(result, source: shared ? .coalesced : .upstream, at: now)
        case .replay(let session): self.init(replaying: session, at: now)
        case .refused(let refusal): try self.init(refusal)
        case .pending: throw .refreshPending
        }
    }

    init(_ result: RotationResult, source: AnswerSource, at now: Timestamp) throws(ProxyError) {
        switch result {
        case .renewed(_, let answer), .refused(let answer), .failed(let answer):
            self.init(passingOn: answer, source: source)
        case .moved(let session): self.init(replaying: session, at: now)
        case .lost(.some(let answer), _): self.init(passingOn: answer, source: source)
        case .fault(let fault), .lost(nil, let fault): throw ProxyError(fault)
        case .sessionLost: throw .sessionLost
        case .overtaken: throw .refreshPending
        case .storeFailed: throw .storeUnavailable
        }
    }

    /// The tenant's own refusal again, or one of ours.
    init(_ refusal: SessionRefusal) throws(ProxyError) {
        guard case .dead(.rejected(let answer)) = refusal else { throw .session(refusal) }
        var fields = HeaderFields()
        if !answer.contentType.isEmpty { fields.append(.contentType, answer.contentType) }
        fields.append(.sidecarSource, AnswerSource.replay.rawValue)
        self.init(status: answer.status, fields: fields, body: .bytes(answer.body))
    }

    /// The stored newest token in the shape of a refresh's answer, with what is left of its life.
    private init(replaying session: Session, at now: Timestamp) {
        let seconds = max(0, session.remaining(at: now).components.seconds)
        var json = Array("{\"session_token\":".utf8)
        JSONString.append(session.token.bytes, to: &json)
        json += Array(",\"expire\":\(seconds)}".utf8)
        self.init(status: 200, json: json, source: .replay)
    }
}
