// The keyed hash by which any token of a session finds it.

internal import Crypto
package import Model

/// HMAC-SHA256 under the store's lineage key, cut to 16 bytes.
package struct TokenHasher: Sendable {
    private let key: SymmetricKey

    /// - Parameter key: 32 bytes, the same on every replica (`StoreKeys.lineage`).
    package init(key: [UInt8]) { self.key = SymmetricKey(data: key) }

    package func hash(_ token: SessionToken) -> TokenHash {
        TokenHash(firstOf: HMAC<SHA256>.authenticationCode(for: token.bytes, using: key))
    }
}
