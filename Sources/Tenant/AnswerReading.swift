// What a 200 of the tenant holds: a session, or an access token.

package import JSONText
package import Model

/// A session as an answer gives it (SESSION in the tenant facts).
package struct SessionAnswer: Sendable, Equatable {
    package let token: SessionToken
    /// From `expire`, seconds; nil when it is absent or no usable number.
    package let life: Duration?
    package let idToken: IDToken?

    /// The longest life that is believed.
    package static let longestLife = Duration.seconds(366 * 86_400)

    /// Nil for an empty body, a flow answer (`MFA_AUTH`, …), or anything else without a usable `session_token`.
    package init?(body: [UInt8]) {
        guard !body.isEmpty, let object = try? JSONObject(body), let bytes = object.string("session_token"),
            let token = SessionToken(bytes)
        else { return nil }
        (self.token, life) = (token, Self.life(object))
        idToken = object.string("id_token").flatMap { IDTokenReading.token($0) }
    }

    /// Missing, zero, negative or unreadable: nil, so that no answer can cause a storm of refreshes. Fractions are cut.
    package static func life(_ object: JSONObject) -> Duration? {
        guard let seconds = NumberReading.seconds(object, "expire"), seconds > 0 else { return nil }
        return min(.seconds(seconds), longestLife)
    }
}

/// An access token as T1 gives it (contract 6).
package struct TokenAnswer: Sendable, Equatable {
    package let token: SecretText
    package let life: Duration

    /// Nil when there is no usable token or it has already ended.
    package init?(body: [UInt8]) {
        guard let object = try? JSONObject(body), let bytes = object.string("access_token"),
            let token = SecretText(bytes)
        else { return nil }
        let seconds = NumberReading.seconds(object, "expires_in") ?? 300
        guard seconds > 0 else { return nil }
        self.token = token
        life = min(.seconds(seconds), .seconds(86_400))
    }
}

/// The user's id_token as S1 and the logins give it (tenant facts 4): a JWT, of which only the life is read. Nobody here has to
/// trust it, so its signature is the tenant's affair.
package enum IDTokenReading {
    /// What is believed of one that does not say when it ends.
    package static let assumedLife = Duration.seconds(300)

    /// Nil for what cannot stand in a header field, or has ended by its own word.
    package static func token(_ bytes: [UInt8]) -> IDToken? {
        guard let text = SecretText(bytes) else { return nil }
        let life = life(bytes)
        return life > .zero ? IDToken(text: text, life: life) : nil
    }

    /// `exp` less `iat`: the clocks of tenant and host need not agree.
    private static func life(_ bytes: [UInt8]) -> Duration {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Base64.decodeURL(Array(parts[1])), let claims = try? JSONObject(payload),
            let end = NumberReading.seconds(claims, "exp"), let start = NumberReading.seconds(claims, "iat")
        else { return assumedLife }
        return min(.seconds(end - start), SessionAnswer.longestLife)
    }
}

/// Numbers as tenants spell them.
package enum NumberReading {
    /// Whole seconds from a number or a string that holds one; fractions are cut, sizes beyond 18 digits saturate. Nil when the
    /// member is missing or no number.
    package static func seconds(_ object: JSONObject, _ name: StaticString) -> Int? {
        guard let member = object.member(name) else { return nil }
        switch member.kind {
        case .number: return whole(object.text[member.value])
        case .string: return object.string(name).flatMap { whole($0[...]) }
        default: return nil
        }
    }

    private static func whole(_ text: ArraySlice<UInt8>) -> Int? {
        let negative = text.first == UInt8(ascii: "-")
        let digits = text.dropFirst(negative ? 1 : 0)
        guard !digits.isEmpty else { return nil }
        if let number = ASCII.decimal(digits) { return negative ? -number : number }
        guard let number = Double(String(decoding: text, as: UTF8.self)), !number.isNaN else { return nil }
        guard number.magnitude < 1e18 else {
            return number < 0 ? -1_000_000_000_000_000_000 : 1_000_000_000_000_000_000
        }
        return Int(number)
    }
}
