// What an error of the tenant says, by its codes alone.

internal import JSONText
internal import Model

/// The classes of refusals that are treated differently (contract 6 and 7.7).
package enum TenantRefusal: Sendable, Equatable {
    /// The bearer is dead: 401, or 400 with `error` = `invalid_token`.
    case accessToken
    /// The id_token is dead: 400 `…PARAM.0016`.
    case idToken
    /// The envelope of the session token cannot be opened or is too old: 400 `PARAM.0030` or `SDK.COMMON.1004`.
    case envelope
    /// The session is over: 400 with a dead-session code.
    case deadSession
    /// The tenant failed and may have done its work all the same: 5xx, or a busy code.
    case failed
    /// Any other error: nothing was consumed.
    case other

    /// Reads an answer's status and body. Nil for an answer that is no error (below 400).
    package init?(status: Int, body: [UInt8], deadSessionCodes: [String]) {
        guard status >= 400 else { return nil }
        let object = try? JSONObject(body)
        let error = object?.string("error") ?? []
        let code = object?.string("error_code") ?? []
        func ends(_ suffix: String) -> Bool { code.reversed().starts(with: suffix.utf8.reversed()) }
        if status == 401 || (status == 400 && error.elementsEqual("invalid_token".utf8)) {
            self = .accessToken
        } else if status >= 500 || ends("1008") || ends("1009") {
            self = .failed
        } else if status == 400, deadSessionCodes.contains(where: ends) {
            self = .deadSession
        } else if status == 400, ends("PARAM.0016") {
            self = .idToken
        } else if status == 400, ends("PARAM.0030") || ends("SDK.COMMON.1004") {
            self = .envelope
        } else {
            self = .other
        }
    }
}
