// The port through which requests leave for the tenant.

/// One request to the tenant. The transport adds Host, framing and nothing else.
/// One object for all who look at it on the way.
package final class UpstreamRequest: Sendable {
    /// A method name of token characters, as it came.
    package let method: [UInt8]
    /// Path and query, beginning with `/`; sent byte for byte.
    package let target: [UInt8]
    /// End-to-end fields only: no Host, Connection, Content-Length or Transfer-Encoding.
    package let fields: HeaderFields
    package let body: MessageBody
    /// How long until the complete head of the answer, from the sending; then the same again without any progress.
    package let timeout: Duration
    /// Whether it may go out a second time when a kept-alive connection ended before a byte of the answer (RFC 9110 section 9.2.2:
    /// safe methods alone).
    package let mayResend: Bool

    package init(
        method: [UInt8], target: [UInt8], fields: HeaderFields, body: MessageBody, timeout: Duration,
        mayResend: Bool = false
    ) {
        (self.method, self.target, self.fields) = (method, target, fields)
        (self.body, self.timeout, self.mayResend) = (body, timeout, mayResend)
    }
}

/// The tenant's answer: its head, and its body as it comes.
package struct UpstreamResponse: Sendable {
    /// 200–599; interim answers are not shown.
    package let status: Int
    /// All fields as they came, hop-by-hop ones too.
    package let fields: HeaderFields
    package let body: any BodyStream

    package init(status: Int, fields: HeaderFields, body: any BodyStream) {
        (self.status, self.fields, self.body) = (status, fields, body)
    }
}

/// An answer read to its proper end.
package struct WholeResponse: Sendable {
    package let status: Int
    package let fields: HeaderFields
    package let body: [UInt8]

    package init(status: Int, fields: HeaderFields, body: [UInt8]) {
        (self.status, self.fields, self.body) = (status, fields, body)
    }
}

/// Why there is no complete head of an answer (contract 4, transport failures).
package struct TransportError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Reason: String, Sendable, Equatable, CaseIterable {
        /// No address, or nobody listens there.
        case unreachable
        /// No connection in time.
        case connectTimeout
        /// Certificate, host name, protocol version or handshake.
        case tls
        /// Connection reset, or an answer that breaks the protocol.
        case broken
        /// Connected, but no complete head in time.
        case timeout
        /// The caller's own body failed.
        case requestBody
        /// Stopped by us.
        case cancelled
        /// The transport is shutting down or cannot start a transfer.
        case closed
        /// The tenant has failed again and again; nothing is sent for a while.
        case suspended
    }

    package let reason: Reason
    /// Whether a byte of the request may have reached the tenant. False is certain: it may be sent again.
    package let maybeSent: Bool
    /// libcurl's own code (CURLcode), for the log; 0 when it was not libcurl that failed.
    package let code: Int32
    /// When it is worth trying again, where that is known.
    package let retryAfter: Duration?

    package init(_ reason: Reason, maybeSent: Bool, code: Int32 = 0, retryAfter: Duration? = nil) {
        (self.reason, self.maybeSent, self.code, self.retryAfter) = (reason, maybeSent, code, retryAfter)
    }

    /// For the log: `tls (libcurl 60), nothing sent`.
    package var description: String {
        "\(reason.rawValue)\(code == 0 ? "" : " (libcurl \(code))")\(maybeSent ? "" : ", nothing sent")"
    }
}

/// Sends requests to the one tenant. Implemented by `CurlClient`, and by `ScriptedTransport` in tests.
package protocol UpstreamTransport: Sendable {
    /// Sends one request, at most once unless `mayResend`, and returns when the head of the final answer is there.
    /// - Throws: `TransportError` when no complete head came. Redirects and error statuses are answers, not errors.
    func send(_ request: UpstreamRequest) async throws(TransportError) -> UpstreamResponse
}
