// What is sealed.

internal import Model

/// `session_token=…&timestamp=…&nonce=…`, as it is: nothing is escaped.
enum EnvelopeText {
    /// - Parameter nonce: fresh and random for each.
    static func text(_ token: SessionToken, timestamp: Int64, nonce: UInt64) -> [UInt8] {
        Array("session_token=".utf8) + token.bytes
            + Array("&timestamp=\(timestamp)&nonce=\(String(nonce, radix: 16))".utf8)
    }
}
