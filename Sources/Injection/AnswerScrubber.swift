// Our own credential never comes back to the app.

package import Model

/// The tenant's refusal of a bearer may hold the bearer itself (tenant facts 3.1).
package enum AnswerScrubber {
    /// `body` with every occurrence of the token overwritten by asterisks, so that no length changes.
    package static func blank(_ token: SecretText, in body: [UInt8]) -> [UInt8] {
        let secret = token.bytes
        guard body.count >= secret.count else { return body }
        var scrubbed = body
        var index = 0
        while index <= scrubbed.count - secret.count {
            if scrubbed[index] == secret[0], scrubbed[index..<index + secret.count].elementsEqual(secret) {
                for position in index..<index + secret.count { scrubbed[position] = UInt8(ascii: "*") }
                index += secret.count
            } else {
                index += 1
            }
        }
        return scrubbed
    }
}
