// What a 200 of the tenant holds: a session, or an access token.

package import JSONText
package import Model

/// A session as an answer gives it (SESSION in the tenant facts).
package struct SessionAnswer: Sendable, Equatable {
    package let token: SessionToken
    /// From `expire`, seconds; nil when it is absent or no usable number.
    package let life: Duration?

    /// The longest life that is believed.
    package static let longestLife = Duration.seconds(366 * 86_400)

    /// Nil for an empty body, a flow answer (`MFA_AUTH`, …), or anything else without a usable `session_token`.
    package init?(body: [UInt8]) {
        guard !body.isEmpty, let object = try? JSONObject(body), let bytes = object.string("session_token"),
            let token = SessionToken(bytes)
        else { return nil }
        self.init(token: token, life: Self.life(object))
    }

    package init(token: SessionToken, life: Duration?) { (self.token, self.life) = (token, life) }

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
