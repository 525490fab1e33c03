// The one list of the sidecar's own errors: status, code, what happened, what to do, when to come again.

/// One of the sidecar's own answers (contract 4, 7 and 8). The documentation's table is printed from these.
package struct ErrorRow: Sendable {
    package let status: Int
    /// Without the `SIDECAR.` before it.
    package let code: String
    /// What happened, as the answer says it. Never the text of an inner error.
    package private(set) var message: String
    /// What whoever runs the app or the sidecar does about it.
    package let remedy: String
    /// Seconds.
    package private(set) var retryAfter: Int?
    /// Whether the connection is closed: more of a refused request may still be on its way.
    package let closes: Bool

    private init(
        _ status: Int, _ code: String, _ message: String, _ remedy: String, retryAfter: Int? = nil, closes: Bool = false
    ) {
        (self.status, self.code, self.message, self.remedy) = (status, code, message, remedy)
        (self.retryAfter, self.closes) = (retryAfter, closes)
    }

    /// The same with words of its own.
    func saying(_ message: String) -> ErrorRow {
        var row = self
        row.message = message
        return row
    }

    /// The same with `Retry-After` in whole seconds, at least one.
    func after(_ wait: Duration) -> ErrorRow {
        var row = self
        let (seconds, rest) = wait.components
        row.retryAfter = Int(clamping: max(1, rest > 0 ? seconds.addingReportingOverflow(1).partialValue : seconds))
        return row
    }

    /// In the order of the documentation.
    package static let all = guarded + bodies + users + sessions + devices + tenant + sidecar

    /// The documentation's table.
    package static var markdown: String {
        var lines = ["| status | code | what happened | what to do |", "|---|---|---|---|"]
        for row in all {
            let again = row.retryAfter != nil ? "; `Retry-After` says when to try again" : ""
            lines.append("| \(row.status) | `SIDECAR.\(row.code)` | \(row.message) | \(row.remedy)\(again) |")
        }
        return lines.joined(separator: "\n")
    }
}

// MARK: before anything else (contract 4)

extension ErrorRow {
    private static let guarded = [
        requestInvalid, targetTooLong, fieldsTooLarge, methodNotAllowed, upgradeNotSupported, hostNotAllowed,
        browserRefused,
        headerRequired, callerUnknown, pathAmbiguous, pathNotAllowed,
    ]

    static let requestInvalid = ErrorRow(
        400, "REQUEST_INVALID", "the request is not valid HTTP/1.1 with exactly one Host",
        "use an HTTP library; look for header fields that the app puts together by itself", closes: true)
    static let targetTooLong = ErrorRow(
        414, "TARGET_TOO_LONG", "the request target is longer than 8192 bytes", "send the values in a body",
        closes: true)
    static let fieldsTooLarge = ErrorRow(
        431, "FIELDS_TOO_LARGE", "the header fields exceed 64 KiB or 100 fields",
        "send fewer or shorter cookies and fields",
        closes: true)
    static let methodNotAllowed = ErrorRow(
        405, "METHOD_NOT_ALLOWED", "this method is not served", "CONNECT and TRACE are never served", closes: true)
    static let upgradeNotSupported = ErrorRow(
        501, "UPGRADE_NOT_SUPPORTED", "WebSocket is not served", "connect to the tenant itself", closes: true)
    static let hostNotAllowed = ErrorRow(
        421, "HOST_NOT_ALLOWED", "the Host is not loopback and not in SIDECAR_ALLOWED_HOSTS",
        "call by `127.0.0.1` or `localhost`, or add the name to `SIDECAR_ALLOWED_HOSTS`", closes: true)
    static let browserRefused = ErrorRow(
        403, "BROWSER_REFUSED", "requests from a browser are refused",
        "call from the application's server; for a page of your own see `SIDECAR_ALLOWED_ORIGINS`", closes: true)
    static let headerRequired = ErrorRow(
        412, "HEADER_REQUIRED", "a required header field is missing or different",
        "send the field that `SIDECAR_REQUIRED_HEADER` names", closes: true)
    static let callerUnknown = ErrorRow(
        401, "CALLER_UNKNOWN", "X-Sidecar-Token is missing or wrong",
        "send the value of `SIDECAR_LOCAL_TOKEN` in that field",
        closes: true)
    static let pathAmbiguous = ErrorRow(
        400, "PATH_AMBIGUOUS", "the path can be read in more than one way",
        "send the path without `//`, `..`, `;`, `\\` and their escapes", closes: true)
    static let pathNotAllowed = ErrorRow(
        403, "PATH_NOT_ALLOWED", "this path is not served by the sidecar",
        "only the tenant's `/api/v2/tenant/` and SDK paths are; add others to `SIDECAR_PASSTHROUGH_PATHS`; for the token endpoint see `SIDECAR_TOKEN_ENDPOINT`",
        closes: true)
}

// MARK: headers and bodies

extension ErrorRow {
    private static let bodies = [headerTimeout, bodyInvalid, bodyTooLarge, bodyTimeout, bodyIncomplete]

    static let headerTimeout = ErrorRow(
        408, "HEADER_TIMEOUT", "the header did not arrive in time",
        "send the whole header; see `SIDECAR_HEADER_TIMEOUT`",
        closes: true)
    static let bodyInvalid = ErrorRow(
        400, "BODY_INVALID", "the body is not one unambiguous JSON object",
        "send one JSON object in UTF-8, no name twice, at most 64 levels deep", closes: true)
    static let bodyTooLarge = ErrorRow(
        413, "BODY_TOO_LARGE", "the body is larger than the limit",
        "raise `SIDECAR_MAX_BODY` or `SIDECAR_MAX_STREAM_BODY`",
        closes: true)
    static let bodyTimeout = ErrorRow(
        408, "BODY_TIMEOUT", "the body did not arrive in time", "send the whole body; see `SIDECAR_BODY_TIMEOUT`",
        closes: true)
    static let bodyIncomplete = ErrorRow(
        400, "BODY_INCOMPLETE", "the request body was not completed", "send as many bytes as Content-Length says",
        closes: true)
}

// MARK: users and the local API (contract 3 and 8)

extension ErrorRow {
    private static let users = [
        userInvalid, sessionTokenInvalid, fieldInvalid, queryInvalid, notFound, methodNotServed,
    ]

    static let userInvalid = ErrorRow(
        400, "USER_INVALID", "the user key must be one field of 1 to 256 bytes of UTF-8 without control characters",
        "send `X-Sidecar-User` once", closes: true)
    static let sessionTokenInvalid = ErrorRow(
        400, "SESSION_TOKEN_INVALID", "session_token must be 1 to 8192 bytes of visible ASCII",
        "send the token as the tenant gave it, without quotes or line ends")
    static let fieldInvalid = ErrorRow(
        400, "FIELD_INVALID", "a field of the body has the wrong form", "the answer says which form it has to have")
    static let queryInvalid = ErrorRow(
        400, "QUERY_INVALID", "min_validity must be a whole number of seconds", "send digits alone")
    static let notFound = ErrorRow(
        404, "NOT_FOUND", "the local API has no such resource", "see `/sidecar/v1/openapi.json`")
    static let methodNotServed = ErrorRow(
        405, "METHOD_NOT_ALLOWED", "this resource does not take this method", "see `/sidecar/v1/openapi.json`")
}

// MARK: sessions (contract 7)

extension ErrorRow {
    private static let sessions = [
        sessionUnknown, sessionDead, sessionLost, tokenSuperseded, tokenMismatch, refreshPending, rateLimited,
    ]

    static let sessionUnknown = ErrorRow(
        404, "SESSION_UNKNOWN", "no session token was sent and none is known for the user",
        "let the user log in through the sidecar, or hand the token over (`PUT …/session-token`)")
    static let sessionDead = ErrorRow(
        410, "SESSION_DEAD", "the session is over; the user must log in again", "log the user in again")
    static let sessionLost = ErrorRow(
        502, "SESSION_LOST", "the answers to the refresh were lost; the user must log in again",
        "log the user in again; look for the transport failures before it in the log")
    static let tokenSuperseded = ErrorRow(
        409, "TOKEN_SUPERSEDED", "the session token was replaced too long ago",
        "the app keeps an old token, or somebody else has it: send none and name the user, and the newest goes out")
    static let tokenMismatch = ErrorRow(
        409, "TOKEN_MISMATCH", "the session token belongs to another user",
        "the app mixes users up: compare the token with `X-Sidecar-User`")
    static let refreshPending = ErrorRow(
        503, "REFRESH_PENDING", "the refresh is still running; ask again",
        "ask again: the refresh goes on and its answer is kept; see `SIDECAR_REFRESH_WAIT`", retryAfter: 1)
    static let rateLimited = ErrorRow(
        429, "RATE_LIMITED", "the tenant asked to wait before the next refresh", "wait", retryAfter: 1)
}

// MARK: devices and proofs

extension ErrorRow {
    private static let devices = [fingerprintMismatch, signatureImpossible, idTokenMissing]

    static let fingerprintMismatch = ErrorRow(
        409, "FINGERPRINT_MISMATCH", "another device fingerprint is pinned to this session",
        "send the login's fingerprint or none, or set `SIDECAR_FINGERPRINT_MISMATCH=override`")
    static let signatureImpossible = ErrorRow(
        502, "SIGNATURE_IMPOSSIBLE", "no X-signature can be made for the session token",
        "the answer says why: the tenant's key or time cannot be read, or the key is too short for the token")
    static let idTokenMissing = ErrorRow(
        502, "ID_TOKEN_MISSING", "the tenant gave no id_token for the session",
        "switch id_tokens on in the tenant's console, or let the app send its own `Authorization`")
}

// MARK: the tenant, and ourselves

extension ErrorRow {
    private static let tenant = [
        upstreamUnreachable, upstreamTLS, upstreamBroken, upstreamTimeout, upstreamDown, noAccessToken,
    ]

    static let upstreamUnreachable = ErrorRow(
        502, "UPSTREAM_UNREACHABLE", "the tenant's address cannot be resolved or refuses connections",
        "check `SIDECAR_TENANT_URL`, DNS and the network policy")
    static let upstreamTLS = ErrorRow(
        502, "UPSTREAM_TLS", "no trusted TLS connection to the tenant; check SIDECAR_CA_FILE and the certificate",
        "set `SIDECAR_CA_FILE` to the authority of the tenant or of the proxy before it")
    static let upstreamBroken = ErrorRow(
        502, "UPSTREAM_BROKEN", "the tenant's answer was broken or cut off",
        "look at what stands between sidecar and tenant: load balancer, proxy")
    static let upstreamTimeout = ErrorRow(
        504, "UPSTREAM_TIMEOUT", "the tenant did not answer in time",
        "see `SIDECAR_CONNECT_TIMEOUT` and `SIDECAR_UPSTREAM_TIMEOUT`")
    static let upstreamDown = ErrorRow(
        503, "UPSTREAM_DOWN", "the tenant failed many times in a row; nothing is sent for a while",
        "look at the tenant; one request at a time tries whether it works again, and cached tokens are served meanwhile",
        retryAfter: 1)
    static let noAccessToken = ErrorRow(
        503, "NO_ACCESS_TOKEN", "no valid access token is held",
        "check the id and secret, and that the application was granted the API; the log says why the last fetch failed",
        retryAfter: 1)

    private static let sidecar = [storeUnavailable, overloaded, draining]

    static let storeUnavailable = ErrorRow(
        503, "STORE_UNAVAILABLE", "the session store failed; nothing was sent",
        "look at `/readyz`, and at the disk or the server of `SIDECAR_STORE_URL`: full, read-only, or gone",
        retryAfter: 1)
    static let overloaded = ErrorRow(
        503, "OVERLOADED", "too many requests are worked on",
        "try again; see `SIDECAR_MAX_IN_FLIGHT` and `SIDECAR_MAX_CONNECTIONS`",
        retryAfter: 1)
    static let draining = ErrorRow(
        503, "DRAINING", "the sidecar is shutting down", "try again with the one that follows", retryAfter: 1,
        closes: true)
}
