// Which device values a request carries, and where they come from.

package import JSONText
package import Model
internal import NIOCore

/// The operator's device values (contract 5).
package struct DeviceDefaults: Sendable {
    /// `SIDECAR_OPERATING_SYS_VERSION`, else the host's os-release. Never empty.
    package let operatingSystem: [UInt8]
    /// `SIDECAR_DEVICE_IP`, else the host's own address. Never empty.
    package let address: [UInt8]
    /// `SIDECAR_AGENT`. Never empty: the header form of the tenant's API requires it.
    package let agent: [UInt8]

    package init(operatingSystem: [UInt8], address: [UInt8], agent: [UInt8]) {
        (self.operatingSystem, self.address, self.agent) = (operatingSystem, address, agent)
    }
}

/// The names of the device values in their two forms.
package enum DeviceFieldNames {
    package static let system: FieldName = "X-operating-sys-version"
    package static let fingerprint: FieldName = "X-device-fingerprint"
    package static let address: FieldName = "X-device-ip"
    package static let agent: FieldName = "X-agent"
    package static let clientID: FieldName = "X-client-id"
    package static let tenantID: FieldName = "X-tenant-id"
    package static let language: FieldName = "X-L"

    /// What a call in the SDK's form takes over from the request that it is made for; the fingerprint is the session's.
    package static let carried = [system, address, agent, clientID, tenantID, language]
}

extension DeviceDefaults {
    /// The values for a request whose app sent none of its own.
    /// - Parameter peer: the caller's address if it is not loopback.
    package func facts(fields: HeaderFields, peer: [UInt8]?, fingerprint: DeviceFingerprint) -> DeviceFacts {
        DeviceFacts(
            operatingSystem: operatingSystem, address: endUserAddress(fields) ?? peer ?? address,
            agent: fields.first(.userAgent).flatMap { Self.clean($0) } ?? agent, fingerprint: fingerprint)
    }

    /// The first valid address of `X-Forwarded-For`, else `X-Real-IP`.
    private func endUserAddress(_ fields: HeaderFields) -> [UInt8]? {
        for candidate in fields.list(.forwardedFor) + fields.values(.realIP) where Self.isAddress(candidate) {
            return Array(candidate)
        }
        return nil
    }

    private static func isAddress(_ text: ArraySlice<UInt8>) -> Bool {
        text.count <= 45 && (try? SocketAddress(ipAddress: String(decoding: text, as: UTF8.self), port: 0)) != nil
    }

    /// A header value that may stand in a JSON body: not empty, UTF-8.
    private static func clean(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        guard !value.isEmpty else { return nil }
        return value.allSatisfy { $0 < 0x80 } || String(validating: value, as: UTF8.self) != nil ? Array(value) : nil
    }
}

/// What of the device values an app's own request holds.
package enum SentFingerprint {
    /// The fingerprint in a body; nil when it is missing, empty, null or not usable.
    package static func inBody(_ object: JSONObject) -> DeviceFingerprint? {
        object.string("device_fingerprint").flatMap { DeviceFingerprint($0) }
    }

    /// The fingerprint in the header fields.
    package static func inFields(_ fields: HeaderFields) -> DeviceFingerprint? {
        fields.first(DeviceFieldNames.fingerprint).flatMap { DeviceFingerprint(Array($0)) }
    }
}
