// How every transfer is made.

package import Model

/// The operator's wishes for connections to the tenant; libcurl is told once per handle.
package struct CurlSettings: Sendable {
    /// HTTP versions that may be spoken with the tenant (`SIDECAR_UPSTREAM_HTTP`).
    package enum HTTPVersion: String, CaseIterable, Sendable {
        case auto
        case http1 = "1.1"
        case http2 = "2"
    }

    /// The lowest version of TLS (`SIDECAR_TLS_MIN`).
    package enum TLSMinimum: String, CaseIterable, Sendable {
        case v12 = "1.2"
        case v13 = "1.3"
    }

    /// Who frames HTTP/1.1 (`SIDECAR_UPSTREAM_LANE`).
    package enum Lane: String, CaseIterable, Sendable {
        /// Our codec, on connections that libcurl makes.
        case direct
        /// libcurl, as for HTTP/2.
        case general = "libcurl"
    }

    package let origin: TenantOrigin
    /// A PEM file with certificate authorities (`SIDECAR_CA_FILE`).
    package var authorities: String?
    /// Whether the system's authorities count as well (`SIDECAR_SYSTEM_CA`).
    package var usesSystemAuthorities = true
    package var version = HTTPVersion.auto
    /// For HTTP/1.1; with `auto` once the tenant has spoken it.
    package var lane = Lane.direct
    package var tlsMinimum = TLSMinimum.v12
    /// PEM files (`SIDECAR_CLIENT_CERT_FILE`, `SIDECAR_CLIENT_KEY_FILE`).
    package var clientCertificate: (certificate: String, key: String)?
    /// `sha256//…`, several with semicolons (`SIDECAR_PINNED_PUBLIC_KEY`).
    package var pinnedKeys: String?
    /// `http://[user:password@]host:port` (`SIDECAR_UPSTREAM_PROXY`); never from anywhere else.
    package var proxy: String?
    /// `host:port:address` (`SIDECAR_RESOLVE`).
    package var addresses: [String] = []
    /// Until a connection and its TLS handshake stand (`SIDECAR_CONNECT_TIMEOUT`).
    package var connectTimeout = Duration.seconds(3)
    /// For a whole exchange, its body included, however steadily it moves; nil for no limit (`SIDECAR_TOTAL_TIMEOUT`).
    package var totalTimeout: Duration?
    /// How many connections are kept open at most.
    package var keptConnections = 512
    /// A connection that is older is not used for a new request, so that a changed address is followed.
    package var connectionAge = Duration.seconds(300)
    /// Authorities that were read longer ago are read again; the system's take some ten milliseconds.
    package var authoritiesAge = Duration.seconds(86_400)

    package init(origin: TenantOrigin) { self.origin = origin }
}
