// Which fingerprint a request carries.

import Model
import Sessions
import TestSupport
import Testing

struct FingerprintPinsTests {
    private func pins(_ configured: String? = nil, _ mismatch: FingerprintPins.Mismatch = .override) throws
        -> FingerprintPins
    {
        FingerprintPins(
            key: bytes("key"), tenantHost: "example.bccastle.com", configured: try configured.map { try .sample($0) },
            mismatch: mismatch)
    }

    @Test func theOrder() throws {
        let (pinned, sent) = try (DeviceFingerprint.sample("pinned"), DeviceFingerprint.sample("sent"))
        #expect(try pins("set").choose(pinned: pinned, sent: sent, user: .sample("alice")) == pinned)
        #expect(try pins("set").choose(pinned: nil, sent: sent, user: .sample("alice")) == sent)
        #expect(try pins("set").choose(pinned: nil, sent: nil, user: .sample("alice")) == .sample("set"))
        #expect(try pins().choose(pinned: nil, sent: nil, user: .sample("alice")) != nil)
    }

    @Test func reject() throws {
        let (pinned, other) = try (DeviceFingerprint.sample("pinned"), DeviceFingerprint.sample("other"))
        let (strict, lenient) = try (pins(nil, .reject), pins())
        #expect(throws: FingerprintPins.MismatchError.self) { try strict.check(other, against: pinned) }
        #expect(strict.mayRefuse(other) && !strict.mayRefuse(nil) && !lenient.mayRefuse(other))
        for (sent, against) in [(pinned, pinned), (nil, pinned), (other, nil)]
            as [(DeviceFingerprint?, DeviceFingerprint?)]
        {
            #expect(throws: Never.self) { try strict.check(sent, against: against) }
        }
        #expect(throws: Never.self) { try lenient.check(other, against: pinned) }
    }

    /// `printf 'device-fingerprint/v1\0example.bccastle.com\0alice' | openssl dgst -sha256 -hmac key`, the first 32 digits.
    @Test func theDerivedOneIsTheDocumentedHMAC() throws {
        let derived = try pins().choose(pinned: nil, sent: nil, user: .sample("alice"))
        #expect(derived.map { text($0.bytes) } == "edde2164ace0a41ff7369fe10cefbd7a")
        #expect(try derived != (pins().choose(pinned: nil, sent: nil, user: .sample("alicE"))))
    }
}
