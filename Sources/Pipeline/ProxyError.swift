// The one list of the sidecar's own errors: status, code, what it says, when to come again.

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
    case notFound
    case methodNotAllowed
    case draining

    /// One row of the list.
    package struct Row: Sendable {
        package let status: Int
        package let code: String
        package let message: String
        /// Seconds.
        package var retryAfter: Int?
        /// Whether the connection is closed: more of a refused request may still be on its way.
        package var closes = false
    }

    package var row: Row {
        switch self {
        case .refused(let refusal): Self.guardRow(refusal)
        case .session(let refusal): Self.sessionRow(refusal)
        case .upstream(let reason): Self.upstreamRow(reason)
        case .pathNotAllowed:
            Row(status: 403, code: "PATH_NOT_ALLOWED", message: "this path is not served by the sidecar", closes: true)
        case .bodyInvalid:
            Row(status: 400, code: "BODY_INVALID", message: "the body is not one unambiguous JSON object", closes: true)
        case .bodyTooLarge:
            Row(status: 413, code: "BODY_TOO_LARGE", message: "the body is larger than the limit", closes: true)
        case .bodyTimeout:
            Row(status: 408, code: "BODY_TIMEOUT", message: "the body did not arrive in time", closes: true)
        case .sessionTokenInvalid:
            Row(
                status: 400, code: "SESSION_TOKEN_INVALID",
                message: "session_token must be 1 to 8192 bytes of visible ASCII")
        case .fieldInvalid(let rule): Row(status: 400, code: "FIELD_INVALID", message: rule)
        case .queryInvalid:
            Row(status: 400, code: "QUERY_INVALID", message: "min_validity must be a whole number of seconds")
        case .noAccessToken(let wait):
            Row(
                status: 503, code: "NO_ACCESS_TOKEN", message: "no valid access token is held",
                retryAfter: Self.seconds(wait))
        case .refreshPending:
            Row(status: 503, code: "REFRESH_PENDING", message: "the refresh is still running; ask again", retryAfter: 1)
        case .sessionLost:
            Row(
                status: 502, code: "SESSION_LOST",
                message: "the answers to the refresh were lost; the user must log in again")
        case .fingerprintMismatch:
            Row(
                status: 409, code: "FINGERPRINT_MISMATCH",
                message: "another device fingerprint is pinned to this session")
        case .storeUnavailable:
            Row(
                status: 503, code: "STORE_UNAVAILABLE", message: "the session store failed; nothing was sent",
                retryAfter: 1)
        case .envelopeImpossible(let reason): Row(status: 502, code: "SIGNATURE_IMPOSSIBLE", message: reason)
        case .idTokenMissing:
            Row(status: 502, code: "ID_TOKEN_MISSING", message: "the tenant gave no id_token for the session")
        case .notFound: Row(status: 404, code: "NOT_FOUND", message: "the local API has no such resource")
        case .methodNotAllowed:
            Row(status: 405, code: "METHOD_NOT_ALLOWED", message: "this resource does not take this method")
        case .draining:
            Row(status: 503, code: "DRAINING", message: "the sidecar is shutting down", retryAfter: 1, closes: true)
        }
    }

    private static func seconds(_ wait: Duration) -> Int {
        Int(clamping: max(1, (wait.wholeMilliseconds + 999) / 1000))
    }

    private static func guardRow(_ refusal: GuardRefusal) -> Row {
        let (status, code, message) =
            switch refusal {
            case .malformed: (400, "REQUEST_INVALID", "the request is not valid HTTP/1.1 with exactly one Host")
            case .targetTooLong: (414, "TARGET_TOO_LONG", "the request target is longer than 8192 bytes")
            case .fieldsTooLarge: (431, "FIELDS_TOO_LARGE", "the header fields exceed 64 KiB or 100 fields")
            case .methodNotAllowed: (405, "METHOD_NOT_ALLOWED", "this method is not served")
            case .upgradeNotSupported: (501, "UPGRADE_NOT_SUPPORTED", "WebSocket is not served")
            case .hostNotAllowed: (421, "HOST_NOT_ALLOWED", "the Host is not loopback and not in SIDECAR_ALLOWED_HOSTS")
            case .browserRefused: (403, "BROWSER_REFUSED", "requests from a browser are refused")
            case .headerRequired: (412, "HEADER_REQUIRED", "a required header field is missing or different")
            case .callerUnknown: (401, "CALLER_UNKNOWN", "X-Sidecar-Token is missing or wrong")
            case .userInvalid:
                (
                    400, "USER_INVALID",
                    "the user key must be one field of 1 to 256 bytes of UTF-8 without control characters"
                )
            case .pathAmbiguous: (400, "PATH_AMBIGUOUS", "the path can be read in more than one way")
            }
        return Row(status: status, code: code, message: message, closes: true)
    }

    private static func sessionRow(_ refusal: SessionRefusal) -> Row {
        switch refusal {
        case .unknown:
            Row(
                status: 404, code: "SESSION_UNKNOWN",
                message: "no session token was sent and none is known for the user")
        case .superseded:
            Row(status: 409, code: "TOKEN_SUPERSEDED", message: "the session token was replaced too long ago")
        case .mismatch: Row(status: 409, code: "TOKEN_MISMATCH", message: "the session token belongs to another user")
        case .dead(.lost): ProxyError.sessionLost.row
        case .resting(let left):
            Row(
                status: 429, code: "RATE_LIMITED", message: "the tenant asked to wait before the next refresh",
                retryAfter: Self.seconds(left))
        case .dead(.rejected):
            Row(status: 410, code: "SESSION_DEAD", message: "the session is over; the user must log in again")
        }
    }

    private static func upstreamRow(_ reason: TransportError.Reason) -> Row {
        switch reason {
        case .unreachable:
            Row(
                status: 502, code: "UPSTREAM_UNREACHABLE",
                message: "the tenant's address cannot be resolved or refuses connections")
        case .tls:
            Row(
                status: 502, code: "UPSTREAM_TLS",
                message: "no trusted TLS connection to the tenant; check SIDECAR_CA_FILE and the certificate")
        case .broken: Row(status: 502, code: "UPSTREAM_BROKEN", message: "the tenant's answer was broken or cut off")
        case .timeout, .connectTimeout:
            Row(status: 504, code: "UPSTREAM_TIMEOUT", message: "the tenant did not answer in time")
        case .requestBody:
            Row(status: 400, code: "BODY_INCOMPLETE", message: "the request body was not completed", closes: true)
        case .cancelled, .closed:
            Row(status: 503, code: "OVERLOADED", message: "the request could not be sent now", retryAfter: 1)
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

    init(_ fault: RenewalFault) {
        self =
            switch fault {
            case .transport(let error): .upstream(error.reason)
            case .noAccessToken: .noAccessToken(retryAfter: .seconds(1))
            case .unreadableAnswer: .upstream(.broken)
            case .outOfTime: .upstream(.timeout)
            }
    }
}
