// Which device fingerprint a request carries.

internal import Crypto
package import Model

/// The order of contract 5: what is pinned to the session, else what the app sent, else what the operator set, else derived.
package struct FingerprintPins: Sendable {
    /// What happens when an app sends another fingerprint than the pinned one (`SIDECAR_FINGERPRINT_MISMATCH`).
    package enum Mismatch: String, CaseIterable, Sendable { case override, reject }

    /// The app's fingerprint differs from the pinned one and the operator wants that refused.
    package struct MismatchError: Error {}

    private let key: SymmetricKey
    private let tenantHost: [UInt8]
    private let configured: DeviceFingerprint?
    private let mismatch: Mismatch

    /// - Parameters:
    ///   - key: the bytes of `SIDECAR_FINGERPRINT_KEY` as given, or the store's own key.
    ///   - tenantHost: lower case without port.
    ///   - configured: `SIDECAR_DEVICE_FINGERPRINT`
    package init(key: [UInt8], tenantHost: String, configured: DeviceFingerprint?, mismatch: Mismatch) {
        self.key = SymmetricKey(data: key)
        self.tenantHost = Array(tenantHost.utf8)
        (self.configured, self.mismatch) = (configured, mismatch)
    }

    /// - Parameters:
    ///   - pinned: of the session; nil at a login, which pins anew.
    ///   - sent: the app's own.
    ///   - user: what a derived one is derived for.
    package func choose(pinned: DeviceFingerprint?, sent: DeviceFingerprint?, user: SessionKey?) -> DeviceFingerprint? {
        pinned ?? sent ?? configured ?? derived(for: user)
    }

    /// Whether a call that sends this fingerprint has to be looked at by `check`.
    package func mayRefuse(_ sent: DeviceFingerprint?) -> Bool { sent != nil && mismatch == .reject }

    /// - Throws: `MismatchError` when the app's fingerprint differs from the pinned one and that is to be refused.
    package func check(_ sent: DeviceFingerprint?, against pinned: DeviceFingerprint?) throws(MismatchError) {
        if mayRefuse(sent), let pinned, sent != pinned { throw MismatchError() }
    }

    /// Lowercase hex of the first 16 bytes of HMAC-SHA256(key, "device-fingerprint/v1\0" + host + "\0" + user).
    func derived(for user: SessionKey?) -> DeviceFingerprint? {
        let name: [UInt8] =
            switch user {
            case .user(let key): key.bytes
            case .anonymous(let hash): [0] + hash.bytes
            case nil: [0]
            }
        let message = Array("device-fingerprint/v1\0".utf8) + tenantHost + [0] + name
        let digits = Array("0123456789abcdef".utf8)
        let code = HMAC<SHA256>.authenticationCode(for: message, using: key)
        return DeviceFingerprint(code.prefix(16).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0x0F)]] })
    }
}
