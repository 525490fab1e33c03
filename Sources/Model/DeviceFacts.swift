// What the tenant wants to know of the user's device.

/// A device fingerprint as it goes to the tenant: UTF-8 without control characters, not empty. It must stay the same for a user
/// (tenant rows T2–T4) and counts as a secret.
package struct DeviceFingerprint: Sendable, Hashable, Redacted {
    package let bytes: [UInt8]

    /// The longest fingerprint taken in.
    package static let maximumLength = 1024

    /// Nil when empty, longer than 1024 bytes, not UTF-8 or with a control character.
    package init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= Self.maximumLength, bytes.isCleanUTF8 else { return nil }
        self.bytes = bytes
    }
}

/// The device values of one request (tenant: DEV-body and DEV-hdr), each UTF-8 and sent verbatim.
package struct DeviceFacts: Sendable {
    /// `operating_sys_version`, never empty.
    package var operatingSystem: [UInt8]
    /// `device_ip`, the end user's address in its usual spelling, never empty.
    package var address: [UInt8]
    /// `agent`, never empty.
    package var agent: [UInt8]
    /// `device_fingerprint`
    package var fingerprint: DeviceFingerprint

    package init(operatingSystem: [UInt8], address: [UInt8], agent: [UInt8], fingerprint: DeviceFingerprint) {
        (self.operatingSystem, self.address, self.agent) = (operatingSystem, address, agent)
        self.fingerprint = fingerprint
    }
}
