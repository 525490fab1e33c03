// A local request and its answer, as values.

package import Guard
package import Model

/// A request as the listener hands it over: its head, and its body as it comes.
package struct LocalRequest: Sendable {
    package let head: RequestHead
    package let body: any BodyStream
    /// Bytes; nil for a chunked body, 0 when there is none.
    package let contentLength: Int?

    package init(head: RequestHead, body: any BodyStream, contentLength: Int?) {
        (self.head, self.body, self.contentLength) = (head, body, contentLength)
    }
}

/// An answer for the app. The listener adds framing, `Connection` and `Date`.
package struct LocalAnswer: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// `length` in bytes when it is known. A stream that fails is cut visibly.
        case stream(any BodyStream, length: Int?)
    }

    package var status: Int
    /// End-to-end fields, without Content-Length.
    package var fields: HeaderFields
    package var body: Body
    /// Whether the connection must be closed after it.
    package var closes: Bool

    package init(status: Int, fields: HeaderFields, body: Body, closes: Bool = false) {
        (self.status, self.fields, self.body, self.closes) = (status, fields, body, closes)
    }
}

/// How an answer was made (`X-Sidecar-Source`).
package enum AnswerSource: String, Sendable {
    case upstream, coalesced, replay, cache, stale
}

extension LocalAnswer {
    /// The tenant's answer as it is, but for hop-by-hop fields.
    init(passingOn response: UpstreamResponse, source: AnswerSource) {
        self.init(
            status: response.status, fields: Self.endToEnd(response.fields, source),
            body: .stream(response.body, length: response.fields.first(.contentLength).flatMap { ASCII.decimal($0) }))
    }

    init(passingOn response: WholeResponse, source: AnswerSource) {
        self.init(status: response.status, fields: Self.endToEnd(response.fields, source), body: .bytes(response.body))
    }

    /// A JSON answer of our own.
    init(status: Int, json: [UInt8], source: AnswerSource) {
        var fields = HeaderFields()
        // With the request's name, which comes last.
        fields.reserveCapacity(bytes: 160, fields: 3)
        fields.append(.contentType, "application/json")
        fields.append(.sidecarSource, source.rawValue)
        self.init(status: status, fields: fields, body: .bytes(json))
    }

    private static let notPassedOn = FieldNames(
        FieldName.hopByHop + [.contentLength, .sidecarSource, .sidecarError, .requestID])

    private static func endToEnd(_ fields: HeaderFields, _ source: AnswerSource) -> HeaderFields {
        let named = fields.namedByConnection
        var kept = HeaderFields()
        kept.reserveCapacity(bytes: fields.lines.count + 128, fields: fields.count + 4)
        kept.append(fieldsOf: fields) {
            !fields.collides($0, with: notPassedOn) && !fields.collides($0, with: named)
        }
        kept.append(.sidecarSource, source.rawValue)
        return kept
    }
}
