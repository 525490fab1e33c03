// The tenant's half of `X-signature`: the key pair, and opening what was sealed with it (tenant-api 2.4).
import CryptoExtras
import NIOConcurrencyHelpers

/// What was in an envelope.
package struct OpenedEnvelope: Equatable, Sendable {
    let sessionToken: ExactText
    /// Milliseconds since 1970 by the tenant's clock.
    let timestamp: Int
    let nonce: ExactText

    /// `session_token=…&timestamp=…&nonce=…`, in this order and nothing else.
    init?(_ text: [UInt8]) {
        let pairs = text.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
            .map { $0.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false) }
        guard pairs.count == 3, pairs.allSatisfy({ $0.count == 2 && !$0[1].isEmpty }),
            zip(pairs, ["session_token", "timestamp", "nonce"]).allSatisfy({ $0[0].elementsEqual($1.utf8) }),
            let timestamp = Int(String(decoding: pairs[1][1], as: UTF8.self))
        else { return nil }
        sessionToken = ExactText(String(decoding: pairs[0][1], as: UTF8.self))
        self.timestamp = timestamp
        nonce = ExactText(String(decoding: pairs[2][1], as: UTF8.self))
    }
}

/// Holds the private key, made when it is first asked for.
package final class EnvelopeOpener: Sendable {
    /// The library's keys cannot be shared between threads; they are made from these.
    private let privateKey = NIOLockedValueBox<[UInt8]?>(nil)
    private let bits: Int

    /// - Parameter bits: 2048 or more.
    package init(bits: Int = 2048) { self.bits = bits }

    private func key() -> _RSA.Encryption.PrivateKey? {
        let der = privateKey.withLockedValue { der in
            if let der { return der }
            let made = (try? _RSA.Encryption.PrivateKey(keySize: .init(bitCount: bits))).map {
                Array($0.derRepresentation)
            }
            der = made
            return made ?? []
        }
        return try? _RSA.Encryption.PrivateKey(derRepresentation: der)
    }

    package var publicKeyPEM: String { key()?.publicKey.pemRepresentation ?? "" }

    /// From here on nothing opens that was sealed before.
    package func replaceKey() { privateKey.withLockedValue { $0 = nil } }

    /// Nil for anything that was not sealed with the present key.
    func open(_ value: String) -> OpenedEnvelope? {
        guard let sealed = Base64Text.decode(value),
            let text = try? key()?.decrypt(sealed, padding: .PKCS1_OAEP_SHA256)
        else { return nil }
        return OpenedEnvelope(Array(text))
    }
}
