// Where every token, ticket and id_token of the emulator comes from.
import Crypto

/// Mints values in the shapes seen in the vendor's examples. Two mints with one seed yield the same values.
///
/// Guessable on purpose: an emulator's tokens protect nothing.
package struct TokenMint: Sendable {
    private var state: UInt64
    private var accessTokens = 0
    private let seed: UInt64
    /// Counts how often all id_tokens were ended.
    private var era = 0

    private static let alphanumerics = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

    package init(seed: UInt64) {
        self.state = seed
        self.seed = seed
    }

    /// SplitMix64.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private mutating func alphanumeric(_ length: Int) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
        while bytes.count < length {
            var word = next()
            for _ in 0..<8 where bytes.count < length {
                bytes.append(Self.alphanumerics[Int(word % 62)])
                word /= 62
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// 32 mixed-case alphanumerics.
    package mutating func sessionToken() -> ExactText {
        ExactText(alphanumeric(32))
    }

    /// By turns a UUID-like value and 66 characters that begin with a hyphen (both are seen in T1 answers).
    package mutating func accessToken() -> ExactText {
        accessTokens += 1
        guard accessTokens.isMultiple(of: 2) else {
            let text = Self.hex(next()) + Self.hex(next())
            let digits = Array(text.utf8)
            let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(decoding: digits[$0], as: UTF8.self) }
            return ExactText(groups.joined(separator: "-"))
        }
        return ExactText("-" + alphanumeric(65))
    }

    package mutating func ssoTicket() -> ExactText {
        ExactText("ssoTicket-" + alphanumeric(32))
    }

    /// A JWT in OIDC shape (tenant-api section 4, shape a). The signature is the emulator's own: no key is published anywhere.
    /// - Parameter now: seconds since 1970.
    package mutating func idToken(user: ExactText, audience: String, now: Int) -> String {
        let header: JSONValue = .object([
            JSONMember("alg", .text("RS256")), JSONMember("typ", .text("JWT")), JSONMember("kid", .text("emulator")),
        ])
        let claims: JSONValue = .object([
            JSONMember("iss", .text("https://localhost/api/v1/oauth2")), JSONMember("aud", .text(audience)),
            JSONMember("sub", .string(user)), JSONMember("id", .text(Self.userID(user))),
            JSONMember("userName", .string(user)), JSONMember("jti", .text(alphanumeric(16))),
            JSONMember("iat", .integer(now)), JSONMember("nbf", .integer(now - 120)),
            JSONMember("exp", .integer(now + Self.idTokenLife)), JSONMember("era", .integer(era)),
        ])
        let text = [header, claims].map { Base64Text.encodeForURL($0.encoded) }.joined(separator: ".")
        return text + "." + signature(text)
    }

    /// Seconds.
    private static let idTokenLife = 7200

    private func signature(_ text: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array(text.utf8), using: SymmetricKey(data: Array(Self.hex(seed).utf8)))
        return Base64Text.encodeForURL(Array(code))
    }

    /// Whose it is; nil for one that was never minted here, or has ended.
    func owner(ofIDToken token: String, now: Int) -> ExactText? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 3, ExactText(signature(parts[0] + "." + parts[1])) == ExactText(parts[2]),
            let claims = Base64Text.decodeForURL(parts[1]).flatMap({ try? JSONReading.object($0) }),
            let end = claims["exp"]?.int, end > now, claims["era"]?.int == era
        else { return nil }
        return claims["sub"]?.string.map { ExactText($0) }
    }

    /// No id_token that was minted so far is worth anything any more.
    mutating func expireIDTokens() { era += 1 }

    /// The tenant's id of a user: always the same for one name, never the name itself.
    package static func userID(_ user: ExactText) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in user.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return "20260101000000000-" + hex(hash)
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
