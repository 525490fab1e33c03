// How a message's body ends, and whether its connection goes on: the same rules for both directions.

package import Model

/// What the fields of a head say of the body (RFC 9112 section 6).
enum MessageFraming: Equatable {
    case unsaid
    case length(Int)
    case chunked

    /// Two lengths, a length beside a coding, a length that is no plain number, another coding than `chunked`, a coding in HTTP/1.0:
    /// nothing that must be guessed at.
    init(_ fields: HeaderFields, isVersion10: Bool) throws(HTTP1Fault) {
        switch (fields.occurrence(.contentLength), fields.occurrence(.transferEncoding)) {
        case (.none, .none): self = .unsaid
        case (.once(let digits), .none):
            guard let length = ASCII.decimal(digits) else { throw .malformed }
            self = .length(length)
        case (.none, .once(let coding)):
            guard !isVersion10, ASCII.equalIgnoringCase(coding, "chunked") else { throw .malformed }
            self = .chunked
        default: throw .malformed
        }
    }
}

extension HeaderFields {
    /// Whether another message may follow on the connection (RFC 9112 section 9.3).
    package func keepConnection(isVersion10: Bool) -> Bool {
        !lists("close", in: .connection) && (!isVersion10 || lists("keep-alive", in: .connection))
    }
}
