// What may be a user key, a token, a fingerprint; that secrets do not print; time and base64.

import Model
import TestSupport
import Testing

struct WordsTests {
    @Test func userKeysAreBytesWithoutControls() {
        #expect(UserKey(bytes("alice/phone")) != nil)
        #expect(UserKey(bytes("Ünï 漢字")) != nil)
        #expect(UserKey([UInt8](repeating: 0x61, count: 256)) != nil)
        let refused: [[UInt8]] = [
            [], [UInt8](repeating: 0x61, count: 257), [0x61, 0x0A], [0x7F], [0xC2, 0x85], [0xFF], [0xC3],
        ]
        for key in refused { #expect(UserKey(key) == nil, "\(key)") }
    }

    /// `String` takes these pairs for equal, also as dictionary keys.
    @Test(arguments: [("KATE", "\u{212A}ATE"), ("\u{E9}", "e\u{301}"), ("\u{C5}", "\u{212B}")])
    func usersThatLookAlikeAreTwo(_ one: String, _ other: String) throws {
        let (first, second) = try (UserKey.sample(one), UserKey.sample(other))
        #expect(first != second)
        #expect(Set([SessionKey.user(first), .user(second)]).count == 2)
    }

    @Test func tokensAreVisibleASCII() {
        #expect(SessionToken(bytes("-DIkzM8n")) != nil)
        #expect(SessionToken([UInt8](repeating: 0x61, count: 8192)) != nil)
        let refused: [[UInt8]] = [
            [], [UInt8](repeating: 0x61, count: 8193), bytes("a b"), bytes("a\r\nb"), [0x61, 0], bytes("é"),
        ]
        for token in refused { #expect(SessionToken(token) == nil) }
        #expect(SecretText(bytes("a\tb")) == nil)
    }

    @Test func fingerprintsAreCleanUTF8() {
        #expect(DeviceFingerprint(bytes("156aysdna213sc50 ü")) != nil)
        for bad: [UInt8] in [[], [0x0A], [0x7F], [0xFF], [0xC2, 0x85], [UInt8](repeating: 0x61, count: 1025)] {
            #expect(DeviceFingerprint(bad) == nil)
        }
    }

    @Test func secretsDoNotPrint() throws {
        let token = try SessionToken.sample("canary-token")
        let printed =
            "\(token) \(String(reflecting: token)) \(try SecretText.sample("canary")) \(try UserKey.sample("canary"))"
        var dumped = ""
        dump(token, to: &dumped)
        dump([try DeviceFingerprint.sample("canary")], to: &dumped)
        #expect(!printed.contains("canary") && !dumped.contains("canary"))
        #expect(printed.contains("•••"))
    }

    @Test func numbersAsBytes() {
        let number: UInt64 = 0x0102_0304_F5F6_F7F8
        var bytes: [UInt8] = [0xAA]
        bytes.append(bigEndian: number)
        bytes.append(bigEndian: 0)
        #expect(bytes == [0xAA, 1, 2, 3, 4, 0xF5, 0xF6, 0xF7, 0xF8, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(
            bytes.bigEndian(at: 1) == number && bytes.bigEndian(at: 9) == 0 && bytes.bigEndian(at: 2) == number << 8)
    }

    @Test func constantTimeComparison() {
        #expect(ConstantTime.equal([1, 2][...], [1, 2][...]))
        #expect(!ConstantTime.equal([1, 2][...], [1, 3][...]))
        #expect(!ConstantTime.equal([1, 2][...], [1, 2, 3][...]))
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_399_000, "2000-02-28T23:59:59Z"),
        (951_868_800_000, "2000-03-01T00:00:00Z"),
        (1_795_578_021_999, "2026-11-25T03:40:21Z"), (-1000, "1969-12-31T23:59:59Z"),
        (Int64.max, "9999-12-31T23:59:59Z"),
        (Int64.min, "0000-01-01T00:00:00Z"),
    ])
    func timesInWords(_ milliseconds: Int64, _ expected: String) {
        #expect(Timestamp(milliseconds: milliseconds).rfc3339 == expected)
    }

    @Test func timeSaturates() {
        #expect(Timestamp(milliseconds: .max) + .seconds(1) == Timestamp(milliseconds: .max))
        #expect(Timestamp(milliseconds: .min) - .seconds(1) == Timestamp(milliseconds: .min))
        #expect(Timestamp(milliseconds: .max) - Timestamp(milliseconds: -1) == .milliseconds(Int64.max))
        #expect(Duration.seconds(Int64.max).wholeMilliseconds == .max)
    }

    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar"])
    func base64(_ plain: String) {
        let encoded = Base64.encode(bytes(plain))
        #expect(encoded.count % 4 == 0)
        #expect(Base64.decode(encoded) == bytes(plain))
    }

    @Test func base64OfRFC4648() {
        #expect(text(Base64.encode(bytes("foobar"))) == "Zm9vYmFy" && text(Base64.encode(bytes("foob"))) == "Zm9vYg==")
        for bad in ["Zg", "Zg=", "Z===", "====", "Zm9v\n", "Zm-v", "Zg==Zg=="] {
            #expect(Base64.decode(bytes(bad)) == nil, "\(bad)")
        }
    }
}
