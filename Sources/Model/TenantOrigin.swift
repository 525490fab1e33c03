// The tenant's address.

/// Scheme, host and port of the one tenant; credentials never go anywhere else.
package struct TenantOrigin: Sendable, Equatable {
    /// `https`, or `http` where it was expressly allowed.
    package let scheme: String
    /// Lower case, without port; a bracketed IPv6 literal stays bracketed.
    package let host: String
    package let port: Int

    package init(scheme: String, host: String, port: Int) { (self.scheme, self.host, self.port) = (scheme, host, port) }

    /// `scheme://host:port`, without the port when it is the scheme's own.
    package var text: String { "\(scheme)://" + place }

    /// What `Host` says.
    package var authority: [UInt8] { Array(place.utf8) }

    private var place: String {
        (scheme == "https" && port == 443) || (scheme == "http" && port == 80) ? host : "\(host):\(port)"
    }
}
