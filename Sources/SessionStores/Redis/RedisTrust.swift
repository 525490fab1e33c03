// TLS to a Redis server: whom to trust, and what is its fault.

internal import NIOCore
internal import NIOSSL

enum RedisTrust {
    /// - Throws: NIOSSL's error when a file cannot be used.
    static func context(_ settings: RedisSettings.TLS) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let file = settings.authorities { configuration.trustRoots = .file(file) }
        if let (certificate, key) = settings.clientCertificate {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }

    /// A server name may not be an address (RFC 6066 section 3); NIOSSL checks addresses against the certificate all the same.
    static func isAddress(_ host: String) -> Bool { (try? SocketAddress(ipAddress: host, port: 0)) != nil }

    /// Whether TLS, not the way to the server, is what failed.
    static func isAbout(_ error: any Error) -> Bool {
        switch error {
        // Not an end of the connection in the middle of it: that is the way, or a server that is being started.
        case is NIOSSLExtraError, BoringSSLError.sslError, NIOSSLError.handshakeFailed(.sslError),
            NIOSSLError.noCertificateToValidate, NIOSSLError.unableToValidateCertificate:
            true
        default: false
        }
    }
}
