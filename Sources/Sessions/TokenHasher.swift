// The keyed hash by which any token of a session finds it.

internal import Crypto
package import Model

/// HMAC-SHA256 under the store's lineage key, cut to 16 bytes.
package struct TokenHasher: Sendable {
    /// With the key in it: taking that in costs more than a token does.
    private let keyed: HMAC<SHA256>

    /// - Parameter key: 32 bytes, the same on every replica (`StoreKeys.lineage`).
    package init(key: [UInt8]) { keyed = HMAC(key: SymmetricKey(data: key)) }

    /// 12 hexadecimal digits.
    func logName(of user: UserKey) -> String {
        code(Array("log-name/v1\0".utf8) + user.bytes).prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            .joined()
    }

    package func hash(_ token: SessionToken) -> TokenHash { TokenHash(code(token.bytes), at: 0) }

    private func code(_ bytes: [UInt8]) -> [UInt8] {
        var code = keyed
        code.update(data: bytes)
        return Array(code.finalize())
    }
}
