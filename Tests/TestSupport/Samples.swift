// Values with telling names.

package import Model
package import Sessions

/// The UTF-8 bytes of a text.
package func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Bytes as a text, for messages of failed expectations.
package func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

/// A value of a failable initialiser that a test knows to be good.
package struct BadSample: Error {
    package let what: String
    package init(what: String) { self.what = what }
}

extension SessionToken {
    package static func sample(_ name: String) throws -> SessionToken {
        guard let token = SessionToken(Array(name.utf8)) else { throw BadSample(what: name) }
        return token
    }
}

extension UserKey {
    package static func sample(_ name: String) throws -> UserKey {
        guard let user = UserKey(Array(name.utf8)) else { throw BadSample(what: name) }
        return user
    }
}

extension SessionKey {
    package static func sample(_ name: String) throws -> SessionKey { .user(try .sample(name)) }
}

extension RotationPolicy {
    /// Limits for an attempt that is to be cut off while it is in the air: a machine that comes to sending only after the first one
    /// gets a longer one.
    package static let growingLimits: [Duration] = [.milliseconds(50), .seconds(1), .seconds(20)]

    /// The defaults, but no caller becomes impatient and no attempt runs out of time because the machine is slow.
    package static var patient: RotationPolicy {
        var policy = RotationPolicy()
        (policy.refreshWait, policy.attemptLimit) = (.seconds(600), .seconds(600))
        return policy
    }
}

extension SecretText {
    package static func sample(_ name: String) throws -> SecretText {
        guard let secret = SecretText(Array(name.utf8)) else { throw BadSample(what: name) }
        return secret
    }
}

extension DeviceFingerprint {
    package static func sample(_ name: String) throws -> DeviceFingerprint {
        guard let fingerprint = DeviceFingerprint(Array(name.utf8)) else { throw BadSample(what: name) }
        return fingerprint
    }
}

extension HeaderFields {
    package init(_ pairs: KeyValuePairs<String, String>) {
        self.init()
        for (name, value) in pairs { append(name, value) }
    }

    /// `name: value` lines, for comparing whole lists.
    package var texts: [String] { (0..<count).map { text(line($0)) } }
}

extension Timestamp {
    /// A moment in 2027 to count from.
    package static let sample = Timestamp(milliseconds: 1_800_000_000_000)
}
