// What one row of the tenant's API asks for.

package import Model

/// How a request for one path is treated (contract 5).
package struct Route: Sendable, Equatable {
    /// Which credential `Authorization` carries.
    package enum Family: Sendable, Equatable {
        /// `/api/v2/tenant/…`: the app's value is dropped, ours is the access_token.
        case tenant
        /// `/api/v2/sdk/…`: never the access_token; the app's own id_token passes.
        case sdk
        /// Passed on as it is.
        case passthrough
    }

    /// Where the device values go.
    package enum DevicePlace: Sendable, Equatable { case none, body, header }

    /// Where the session token goes.
    package enum TokenPlace: Sendable, Equatable {
        case none
        /// The body's field `session_token`.
        case body
        /// A header field.
        case header(FieldName)
        /// `X-signature`: sealed with the tenant's public key (OneAccess, tenant facts 2.4).
        case envelope
        /// `Authorization`: not itself, but the id_token that it buys in S1.
        case idToken
    }

    /// What the call does with the session.
    package enum Session: Sendable, Equatable {
        /// Nothing.
        case none
        /// Uses the newest token and leaves it as it is (T3; S2–S10 where the app brings no proof of its own).
        case uses
        /// Replaces it (T2).
        case rotates
        /// May replace it and answers with more than the token (S1).
        case exchanges
        /// May answer 200 with a new session (L1–L15).
        case opens
    }

    /// Whether a request may ever be sent a second time (contract 7.8).
    package enum Sending: Sendable, Equatable {
        /// Never: logins count their failures, and GETs that change something are not safe.
        case once
        /// A GET or HEAD, when a kept-alive connection ended before a byte of the answer (RFC 9110 section 9.2.2).
        case ifSafe
        /// As `ifSafe`, and when the tenant has refused the credential that we added: it looks at that before it does anything.
        case afterRenewal
    }

    /// The row in the tenant facts, e.g. `T2`; also the metrics label.
    package let row: String
    package let family: Family
    package let devices: DevicePlace
    package let token: TokenPlace
    package let session: Session
    package let sending: Sending

    package init(
        row: String, family: Family, devices: DevicePlace = .none, token: TokenPlace = .none, session: Session = .none,
        sending: Sending = .ifSafe
    ) {
        (self.row, self.family, self.devices, self.token) = (row, family, devices, token)
        (self.session, self.sending) = (session, sending)
    }

    /// Whether the body has to be read whole before anything is sent.
    package var needsWholeBody: Bool { devices == .body || token == .body }
}
