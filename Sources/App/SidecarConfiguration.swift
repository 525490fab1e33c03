// Everything that the rooms get, read and checked.

internal import AccessTokens
internal import CurlTransport
internal import Guard
internal import Injection
internal import Listener
package import Logging
internal import Model
internal import Pipeline
internal import Sessions
internal import Tenant

/// The whole configuration, valid by construction.
package struct SidecarConfiguration: Sendable {
    enum TokenSource: Sendable {
        case fixed(SecretText)
        case file(SecretFile)
        case clientCredentials(id: SecretText, secret: SecretText, ClientCredentialsGrant.Authentication)
    }

    let transport: CurlSettings
    let upstreamTimeout: Duration
    let tokenSource: TokenSource
    let listen: [ListenAddress]
    let adminListen: ListenAddress
    let guardPolicy: AdmissionPolicy
    let forwarded: ForwardedFields
    let profile: TenantProfile
    let tokenEndpoint: TokenEndpoint
    let passthrough: [[UInt8]]
    var store: Store
    let storeKey: [UInt8]?
    let storeOldKeys: [[UInt8]]
    let rotation: RotationPolicy
    /// Nil for off.
    let keepFresh: Duration?
    /// Above this many stored sessions some go.
    let maximumSessions: Int
    let devices: DeviceDefaults
    let clientID: [UInt8]?
    let tenantID: [UInt8]?
    let fingerprint: DeviceFingerprint?
    let fingerprintKey: [UInt8]?
    let fingerprintMismatch: FingerprintPins.Mismatch
    let bodies: BodyLimits
    let connections: ConnectionLimits
    /// How long requests are still served after the signal, so that everybody learns of it.
    let drainDelay: Duration
    let drainTimeout: Duration
    /// Whether `POST /quit` on the admin listener ends the program.
    let adminQuit: Bool
    let manager: ServiceManager
    package let logLevel: Logger.Level
    package let logFormat: LogLines.Format
    let hasAccessLog: Bool
    /// What is set, in the order of the documentation; secrets as `•••`.
    let shown: [(name: String, value: String)]
}

/// All faults of a configuration, never just the first.
package struct ConfigurationFaults: Error, Sendable {
    package let faults: [ConfigurationFault]
}

extension SidecarConfiguration {
    /// In a few words, without a secret.
    package var summary: String {
        "\(transport.origin.text) as \(profile.name), \(shown.count) settings, \(listen.map(\.text).joined(separator: ", "))"
    }
}
