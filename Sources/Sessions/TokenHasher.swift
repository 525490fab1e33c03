// The keyed hash by which any token of a session finds it.

internal import Crypto
package import Model

/// HMAC-SHA256 under the store's lineage key, cut to 16 bytes.
package struct TokenHasher: Sendable {
    private let key: SymmetricKey

    /// - Parameter key: 32 bytes, the same on every replica (`StoreKeys.lineage`).
    package init(key: [UInt8]) { self.key = SymmetricKey(data: key) }

    /// 12 hexadecimal digits.
    func logName(of user: UserKey) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array("log-name/v1\0".utf8) + user.bytes, using: key)
        return code.prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    package func hash(_ token: SessionToken) -> TokenHash {
        TokenHash(Array(HMAC<SHA256>.authenticationCode(for: token.bytes, using: key)), at: 0)
    }
}
