// What can go wrong, and the row of the catalogue that each failure is answered with.

package import Guard
internal import JSONText
package import Model
package import Sessions

/// An answer that the sidecar makes itself (contract 4 and 7). It never holds the text of an inner error.
package enum ProxyError: Error, Sendable, Equatable {
    case refused(GuardRefusal)
    case pathNotAllowed
    case bodyInvalid
    case bodyTooLarge
    case bodyTimeout
    case headerTimeout
    case sessionTokenInvalid
    /// A field of a local API body; the text says what it has to be.
    case fieldInvalid(String)
    case queryInvalid
    case noAccessToken(retryAfter: Duration)
    case session(SessionRefusal)
    case refreshPending
    case sessionLost
    case fingerprintMismatch
    case storeUnavailable
    /// No `X-signature` can be made; the text says why.
    case envelopeImpossible(String)
    /// S1 succeeded without an id_token.
    case idTokenMissing
    case upstream(TransportError.Reason)
    /// The breaker is open.
    case upstreamDown(retryAfter: Duration)
    /// Too many requests for too long.
    case overloaded
    case notFound
    case methodNotAllowed
    case draining

    package var row: ErrorRow {
        switch self {
        case .refused(let refusal): Self.row(refusal)
        case .session(let refusal): Self.row(refusal)
        case .upstream(let reason): Self.row(reason)
        case .upstreamDown(let wait): .upstreamDown.after(wait)
        case .overloaded: .overloaded
        case .pathNotAllowed: .pathNotAllowed
        case .bodyInvalid: .bodyInvalid
        case .bodyTooLarge: .bodyTooLarge
        case .bodyTimeout: .bodyTimeout
        case .headerTimeout: .headerTimeout
        case .sessionTokenInvalid: .sessionTokenInvalid
        case .fieldInvalid(let rule): .fieldInvalid.saying(rule)
        case .queryInvalid: .queryInvalid
        case .noAccessToken(let wait): .noAccessToken.after(wait)
        case .refreshPending: .refreshPending
        case .sessionLost: .sessionLost
        case .fingerprintMismatch: .fingerprintMismatch
        case .storeUnavailable: .storeUnavailable
        case .envelopeImpossible(let reason): .signatureImpossible.saying(reason)
        case .idTokenMissing: .idTokenMissing
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotServed
        case .draining: .draining
        }
    }

    private static func row(_ refusal: GuardRefusal) -> ErrorRow {
        switch refusal {
        case .malformed: .requestInvalid
        case .targetTooLong: .targetTooLong
        case .fieldsTooLarge: .fieldsTooLarge
        case .methodNotAllowed: .methodNotAllowed
        case .upgradeNotSupported: .upgradeNotSupported
        case .hostNotAllowed: .hostNotAllowed
        case .browserRefused: .browserRefused
        case .headerRequired: .headerRequired
        case .callerUnknown: .callerUnknown
        case .userInvalid: .userInvalid
        case .pathAmbiguous: .pathAmbiguous
        }
    }

    private static func row(_ refusal: SessionRefusal) -> ErrorRow {
        switch refusal {
        case .unknown: .sessionUnknown
        case .superseded: .tokenSuperseded
        case .mismatch: .tokenMismatch
        case .dead(.lost): .sessionLost
        case .dead(.rejected): .sessionDead
        case .resting(let left): .rateLimited.after(left)
        }
    }

    private static func row(_ reason: TransportError.Reason) -> ErrorRow {
        switch reason {
        case .unreachable: .upstreamUnreachable
        case .tls: .upstreamTLS
        case .broken: .upstreamBroken
        case .timeout, .connectTimeout: .upstreamTimeout
        case .requestBody: .bodyIncomplete
        case .suspended: .upstreamDown
        case .cancelled, .closed: .overloaded
        }
    }
}

extension LocalAnswer {
    /// One of our own errors, in the tenant's shape.
    package init(_ error: ProxyError) {
        let row = error.row
        var fields = HeaderFields()
        fields.append(.contentType, "application/json")
        fields.append(.sidecarError, row.code)
        if let wait = row.retryAfter { fields.append(.retryAfter, String(wait)) }
        var json = Array("{\"error_code\":\"SIDECAR.".utf8) + Array(row.code.utf8) + Array("\",\"error_msg\":".utf8)
        JSONString.append(Array(row.message.utf8), to: &json)
        json.append(UInt8(ascii: "}"))
        self.init(status: row.status, fields: fields, body: .bytes(json), closes: row.closes)
    }
}

extension ProxyError {
    init(_ fault: BodyFault) {
        self =
            switch fault {
            case .tooLarge: .bodyTooLarge
            case .timedOut: .bodyTimeout
            case .broken, .cancelled: .upstream(.requestBody)
            }
    }

    package init(_ error: TransportError) {
        self =
            error.reason == .suspended ? .upstreamDown(retryAfter: error.retryAfter ?? .zero) : .upstream(error.reason)
    }

    init(_ fault: RenewalFault) {
        self =
            switch fault {
            case .transport(let error): ProxyError(error)
            case .noAccessToken: .noAccessToken(retryAfter: .seconds(1))
            case .unreadableAnswer: .upstream(.broken)
            case .outOfTime: .upstream(.timeout)
            }
    }
}
