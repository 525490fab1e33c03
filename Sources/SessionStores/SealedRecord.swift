// Records sealed so that a file tells nothing and cannot be rearranged.

internal import Crypto
internal import Model

/// AES-256-GCM with the row's own name as associated data: a record moved to another user's row does not open.
struct RecordSeal: Sendable {
    private let key: SymmetricKey
    /// With its key in it.
    private let naming: HMAC<SHA256>

    /// - Parameter master: 32 bytes; a key for each purpose is derived from it (HKDF-SHA256).
    init(master: [UInt8]) {
        key = Self.derived("record", master)
        naming = HMAC(key: Self.derived("name", master))
    }

    private static func derived(_ purpose: String, _ master: [UInt8]) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: master), info: Array("ciam-sidecar/v1/\(purpose)".utf8),
            outputByteCount: 32)
    }

    /// The keys that a shared store begins with: every replica with the same `master` makes the same ones.
    static func firstKeys(master: [UInt8]) -> StoreKeys {
        func bytes(_ purpose: String) -> [UInt8] {
            unsafe derived(purpose, master).withUnsafeBytes { unsafe Array($0) }
        }
        return StoreKeys(lineage: bytes("lineage"), fingerprint: bytes("fingerprint"))
    }

    /// The name of a session's row: a keyed hash, 32 bytes.
    func name(of session: SessionKey) -> [UInt8] {
        let text: [UInt8] =
            switch session {
            case .user(let user): [UInt8(ascii: "u")] + user.bytes
            case .anonymous(let hash): [UInt8(ascii: "a")] + hash.bytes
            }
        var code = naming
        code.update(data: text)
        return Array(code.finalize())
    }

    /// Nil only for sizes beyond what the cipher can do.
    func seal(_ plain: [UInt8], name: [UInt8]) -> [UInt8]? {
        guard let box = try? AES.GCM.seal(plain, using: key, authenticating: name), let combined = box.combined else {
            return nil
        }
        return Array(combined)
    }

    /// Nil when the bytes were not sealed with this key for this name.
    func open(_ sealed: [UInt8], name: [UInt8]) -> [UInt8]? {
        guard let box = try? AES.GCM.SealedBox(combined: sealed),
            let plain = try? AES.GCM.open(box, using: key, authenticating: name)
        else { return nil }
        return Array(plain)
    }
}
