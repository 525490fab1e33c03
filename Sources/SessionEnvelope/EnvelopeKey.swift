// The tenant's public key.

internal import CryptoExtras
internal import JSONText
package import Model

/// Why no envelope could be made.
package enum EnvelopeFault: Error, Sendable, Equatable {
    /// The tenant's key or time could not be fetched.
    case transport(TransportError)
    /// It answered with something else than a key or a time.
    case unreadable
    /// The key has fewer than 2048 bits.
    case keyTooShort
    /// The session token is longer than the key can seal.
    case tokenTooLong
}

/// RSA-OAEP with SHA-256 for both digest and MGF1: `RSA/ECB/OAEPWithSHA-256AndMGF1Padding` as BouncyCastle reads it.
struct EnvelopeKey: Sendable {
    /// The library's key cannot be shared between tasks; it is made from this for each sealing.
    private let der: [UInt8]
    /// The longest text that it can seal, in bytes: 190 for 2048 bits, 318 for 3072, 446 for 4096.
    let capacity: Int

    /// - Parameter answer: of `GET /api/v2/sdk/public-key`: `public_key` as PEM or as the bare base64 in it.
    init(answer: [UInt8]) throws(EnvelopeFault) {
        guard let object = try? JSONObject(answer), let text = object.string("public_key"),
            let der = Self.der(text)
        else { throw .unreadable }
        // 1024 is taken here to be refused with its own word below.
        guard let key = try? _RSA.Encryption.PublicKey(unsafeDERRepresentation: der) else { throw .unreadable }
        guard key.keySizeInBits >= 2048 else { throw .keyTooShort }
        self.der = der
        capacity = key.keySizeInBits / 8 - 2 * 32 - 2
    }

    /// What stands between the lines of a PEM, whatever separates them.
    private static func der(_ text: [UInt8]) -> [UInt8]? {
        var lines = text.split { $0 == 0x0A || $0 == 0x0D }
        lines.removeAll { $0.starts(with: Array("-----".utf8)) }
        return Base64.decode(lines.joined().filter { $0 > 0x20 })
    }

    /// In base64.
    func seal(_ text: [UInt8]) throws(EnvelopeFault) -> [UInt8] {
        guard text.count <= capacity, let key = try? _RSA.Encryption.PublicKey(derRepresentation: der),
            let sealed = try? key.encrypt(text, padding: .PKCS1_OAEP_SHA256)
        else { throw .tokenTooLong }
        return Base64.encode(Array(sealed))
    }
}
