// The header field names that more than one target uses.

extension FieldName {
    package static let accept: FieldName = "Accept"
    package static let acceptEncoding: FieldName = "Accept-Encoding"
    package static let authorization: FieldName = "Authorization"
    package static let connection: FieldName = "Connection"
    package static let contentEncoding: FieldName = "Content-Encoding"
    package static let contentLength: FieldName = "Content-Length"
    package static let contentType: FieldName = "Content-Type"
    package static let expect: FieldName = "Expect"
    package static let host: FieldName = "Host"
    package static let keepAlive: FieldName = "Keep-Alive"
    package static let proxyConnection: FieldName = "Proxy-Connection"
    package static let retryAfter: FieldName = "Retry-After"
    /// The session token, sealed (OneAccess).
    package static let signature: FieldName = "X-signature"
    package static let tracestate: FieldName = "tracestate"
    package static let traceparent: FieldName = "traceparent"
    package static let te: FieldName = "TE"
    package static let trailer: FieldName = "Trailer"
    package static let transferEncoding: FieldName = "Transfer-Encoding"
    package static let upgrade: FieldName = "Upgrade"
    package static let userAgent: FieldName = "User-Agent"
    package static let forwardedFor: FieldName = "X-Forwarded-For"
    package static let realIP: FieldName = "X-Real-IP"
    package static let requestID: FieldName = "X-Request-Id"
    package static let sidecarError: FieldName = "X-Sidecar-Error"
    package static let sidecarSource: FieldName = "X-Sidecar-Source"
    package static let sidecarUser: FieldName = "X-Sidecar-User"

    /// What a proxy never passes on (RFC 9110 section 7.6.1 and what was used before it); `Close` is a word of `Connection` and may be
    /// no field's name (RFC 9110 section 18.4).
    package static let hopByHop: [FieldName] = [
        .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade,
        "Proxy-Authenticate", "Proxy-Authorization", "HTTP2-Settings", "Close",
    ]
}
