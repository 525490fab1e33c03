// The certificate authority that exists only while the emulator runs, and the server certificate it signs.
import Crypto
package import FoundationEssentials
package import NIOSSL
import SwiftASN1
import X509

/// Keys stay in memory. What leaves is the authority's certificate.
package struct TestAuthority: Sendable {
    /// PEM of the authority's certificate, for a client's trust store.
    package let certificatePEM: String
    let serverCertificate: NIOSSLCertificate
    let serverKey: NIOSSLPrivateKey

    /// P-256 throughout; valid from an hour ago for thirty days; for `localhost` and `127.0.0.1`.
    package init(now: Date = Date()) throws {
        let authorityKey = P256.Signing.PrivateKey()
        let serverKey = P256.Signing.PrivateKey()
        let authorityName = try DistinguishedName { CommonName("Tenant Emulator Test Authority") }
        let validity = (start: now - 3600, end: now + 30 * 86400)
        let keyID = SubjectKeyIdentifier(hash: Certificate.PublicKey(authorityKey.publicKey))
        let authority = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(authorityKey.publicKey),
            notValidBefore: validity.start, notValidAfter: validity.end, issuer: authorityName,
            subject: authorityName,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                keyID
            }, issuerPrivateKey: .init(authorityKey))
        let server = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(serverKey.publicKey),
            notValidBefore: validity.start, notValidAfter: validity.end, issuer: authorityName,
            subject: try DistinguishedName { CommonName("localhost") },
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([
                    .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                ])
                SubjectKeyIdentifier(hash: Certificate.PublicKey(serverKey.publicKey))
                AuthorityKeyIdentifier(keyIdentifier: keyID.keyIdentifier)
            }, issuerPrivateKey: .init(authorityKey))
        var serializer = DER.Serializer()
        try serializer.serialize(server)
        self.certificatePEM = try authority.serializeAsPEM().pemString + "\n"
        self.serverCertificate = try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)
        self.serverKey = try NIOSSLPrivateKey(bytes: Array(serverKey.derRepresentation), format: .der)
    }

    /// TLS 1.2 and later.
    /// - Parameter http2: whether `h2` is offered beside `http/1.1`.
    package func serverContext(http2: Bool) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(serverCertificate)], privateKey: .privateKey(serverKey))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = http2 ? ["h2", "http/1.1"] : ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}
