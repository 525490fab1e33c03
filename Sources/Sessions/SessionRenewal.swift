// The port through which a rotation reaches the tenant, and what may come of it.

package import Model

/// What is presented to the tenant in one rotation.
package struct Presentation: Sendable {
    package let token: SessionToken
    /// The session that the token belongs to; of generation 0 for a login made elsewhere.
    package let session: Session
    /// Whose session it is, or becomes.
    package let key: SessionKey
}

/// Presents a session token and gets the next one. Implemented in Pipeline; keeps Sessions ignorant of HTTP.
package protocol SessionRenewal: Sendable {
    /// Presents the token at most once. Runs to its end whoever asked for it.
    func renew(_ presentation: Presentation) async -> RenewalOutcome
}

/// How a presentation ended (contract 7.7).
package enum RenewalOutcome: Sendable {
    /// 200 with a session token.
    case renewed(RenewedToken, answer: WholeResponse)
    /// A refusal that says that this session is over.
    case rejected(answer: WholeResponse)
    /// Any other 4xx: the token was not consumed.
    case refused(answer: WholeResponse)
    /// Certainly nothing was sent.
    case notSent(RenewalFault)
    /// The tenant may have rotated and we do not know the new token.
    case lost(answer: WholeResponse?, RenewalFault?)
}

/// The newest token as the tenant gave it.
package struct RenewedToken: Sendable {
    package let token: SessionToken
    /// Seconds of life; nil when the answer did not say.
    package let life: Duration?
    /// The fingerprint that the presentation carried.
    package let fingerprint: DeviceFingerprint?
    /// What the answer held beside it.
    package let idToken: IDToken?

    package init(
        token: SessionToken, life: Duration?, fingerprint: DeviceFingerprint?, idToken: IDToken? = nil
    ) {
        (self.token, self.life, self.fingerprint, self.idToken) = (token, life, fingerprint, idToken)
    }
}

/// Why a presentation got no answer.
package enum RenewalFault: Sendable, Equatable {
    case transport(TransportError)
    /// No usable access token.
    case noAccessToken
    /// A 200 whose body is not what a refresh answers.
    case unreadableAnswer
    /// The attempt's own time was over before anything was sent.
    case outOfTime
}

/// How a rotation failed, to be shown.
package struct RotationFailure: Sendable {
    /// Of the tenant's answer; 0 when there was none.
    package let status: Int
    /// The beginning of its body.
    package let body: [UInt8]
    /// Why there was no answer.
    package let fault: RenewalFault?

    /// Nil for a success.
    init?(_ outcome: RenewalOutcome) {
        switch outcome {
        case .renewed: return nil
        case .notSent(let fault): (status, body, self.fault) = (0, [], fault)
        case .rejected(let answer), .refused(let answer), .lost(.some(let answer), _):
            (status, body, fault) = (answer.status, Array(answer.body.prefix(1024)), nil)
        case .lost(nil, let fault): (status, body, self.fault) = (0, [], fault ?? .unreadableAnswer)
        }
    }
}
