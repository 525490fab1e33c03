// Where a Redis or Valkey server is, and how to speak to it.

/// What the operator says of a shared store (contract 9).
package struct RedisSettings: Sendable {
    package enum Place: Sendable, Equatable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    /// How a `rediss://` server is trusted.
    package struct TLS: Sendable {
        /// A PEM file with authorities, instead of the system's.
        package var authorities: String?
        /// PEM files.
        package var clientCertificate: (certificate: String, key: String)?
        package init() {}
    }

    package let place: Place
    /// Nil for a connection in the clear.
    package var tls: TLS?
    /// An ACL user; nil for the default one.
    package var user: [UInt8]?
    package var password: [UInt8]?
    /// The number that is SELECTed.
    package var database = 0
    /// What keys begin with, after the program's own name: one for each tenant and application.
    package var namespace = ""
    /// For connecting, and for each answer.
    package var timeout = Duration.seconds(1)

    package init(place: Place) { self.place = place }

    /// `redis://host:6379/0`, without anything secret.
    package var text: String {
        switch place {
        case .tcp(let host, let port):
            let bare = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
            return "\(tls == nil ? "redis" : "rediss")://\(bare):\(port)/\(database)"
        case .unix(let path): return "redis+unix://\(path)"
        }
    }

    /// What every key of ours begins with, and the channel: one server has the same channels in all its databases. The first number is
    /// the version of the layout.
    var keyPrefix: [UInt8] { Array("ciam-sidecar/1:\(namespace)\(database > 0 ? "/\(database)" : ""):".utf8) }
}
