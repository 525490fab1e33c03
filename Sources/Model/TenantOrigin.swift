// The tenant's address.

/// Scheme, host and port of the one tenant; credentials never go anywhere else.
package struct TenantOrigin: Sendable, Equatable {
    /// `https`, or `http` where it was expressly allowed.
    package let scheme: String
    /// Lower case, without port; a bracketed IPv6 literal stays bracketed.
    package let host: String
    package let port: Int

    /// What `Host` says: `host:port`, without the port when it is the scheme's own.
    package let authority: [UInt8]

    package init(scheme: String, host: String, port: Int) {
        (self.scheme, self.host, self.port) = (scheme, host, port)
        let isUsual = (scheme == "https" && port == 443) || (scheme == "http" && port == 80)
        authority = Array((isUsual ? host : "\(host):\(port)").utf8)
    }

    /// `scheme://host:port`, without the port when it is the scheme's own.
    package var text: String { "\(scheme)://" + String(decoding: authority, as: UTF8.self) }
}
