// `openssl s_server`, for what the other servers of these tests do not do: old versions, client certificates.

import FoundationEssentials
import Model
import Subprocess
import TestSupport

/// Runs `sh -c` to its end.
enum Shell {
    static func run(_ script: String, _ arguments: String...) async throws -> String {
        try await Subprocess.run(
            .name("sh"), arguments: Arguments(["-c", script] + arguments), output: .string(limit: 1 << 20),
            error: .discarded
        ).standardOutput
    }
}

extension String {
    var trimmed: String { String(decoding: ASCII.trimmed(Array(utf8.filter { $0 != 0x0A })[...]), as: UTF8.self) }
}

/// A server with a certificate of its own for `localhost`, which also serves as a client's.
struct OpenSSLServer: Sendable {
    let origin: TenantOrigin
    let certificate: String
    let key: String
    /// The certificate is its own authority.
    var authorities: String { certificate }

    /// - Parameter options: of `openssl s_server`.
    static func with<Result: Sendable>(
        _ options: [String], _ body: @Sendable (OpenSSLServer) async throws -> Result
    ) async throws -> Result {
        try await withTestFolder { folder in
            let made = try await SelfSignedCertificate.make(in: folder)
            let (certificate, key) = (made.certificate, made.key)
            let arguments = [
                "s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-CAfile", certificate, "-www",
            ]
            return try await Subprocess.run(
                .name("openssl"), arguments: Arguments(arguments + options), input: .none, output: .sequence,
                error: .discarded
            ) { execution in
                var port: Int?
                for try await line in execution.standardOutput.strings() where line.hasPrefix("ACCEPT") {
                    port = line.trimmed.split(separator: ":").last.flatMap { Int($0) }
                    break
                }
                defer { try? execution.send(signal: .kill) }
                guard let port else { throw BadSample(what: "openssl did not listen") }
                let origin = TenantOrigin(scheme: "https", host: "localhost", port: port)
                return try await body(OpenSSLServer(origin: origin, certificate: certificate, key: key))
            }.closureResult
        }
    }
}
