// What proves to the tenant's user calls who the user is.

/// A user's id_token (tenant facts 4): a secret, bought with the session token in S1 and given with most logins.
package struct IDToken: Sendable, Equatable {
    package let text: SecretText
    /// From its issuing on; more than zero.
    package let life: Duration

    package init(text: SecretText, life: Duration) { (self.text, self.life) = (text, life) }
}
