// A certificate that is its own authority.

internal import Subprocess

/// Two PEM files for `localhost`, valid for two days.
package struct SelfSignedCertificate: Sendable {
    package let certificate: String
    package let key: String

    /// Makes `cert.pem` and `key.pem`.
    package static func make(in folder: String) async throws -> SelfSignedCertificate {
        let made = SelfSignedCertificate(certificate: folder + "/cert.pem", key: folder + "/key.pem")
        let run = try await Subprocess.run(
            .name("openssl"),
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", made.certificate, "-keyout",
                made.key,
            ], output: .discarded, error: .discarded)
        guard run.terminationStatus.isSuccess else { throw BadSample(what: "openssl made no certificate") }
        return made
    }
}
