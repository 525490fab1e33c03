// The renewal port, played by a test.

package import Model
internal import NIOConcurrencyHelpers
package import Sessions

/// Answers presentations with what the test says and counts them.
package final class ScriptedRenewal: SessionRenewal {
    private struct State {
        var presented: [SessionToken] = []
        var inTheAir: [SessionToken: Int] = [:]
        var mostInTheAir = 0
    }

    /// Signalled at each presentation.
    package let began = Gate()
    private let state = NIOLockedValueBox(State())
    private let script: @Sendable (Presentation, Int) async -> RenewalOutcome

    /// - Parameter script: gets the presentation and its number, counted from 1.
    package init(_ script: @escaping @Sendable (Presentation, Int) async -> RenewalOutcome) { self.script = script }

    package var presented: [SessionToken] { state.withLockedValue(\.presented) }
    /// The most presentations of one token at a time.
    package var mostInTheAir: Int { state.withLockedValue(\.mostInTheAir) }

    package func renew(_ presentation: Presentation) async -> RenewalOutcome {
        let number = state.withLockedValue { state in
            state.presented.append(presentation.token)
            state.inTheAir[presentation.token, default: 0] += 1
            state.mostInTheAir = max(state.mostInTheAir, state.inTheAir[presentation.token] ?? 0)
            return state.presented.count
        }
        began.signal()
        defer { state.withLockedValue { $0.inTheAir[presentation.token, default: 1] -= 1 } }
        return await script(presentation, number)
    }
}

extension RenewalOutcome {
    /// A 200 with this token.
    package static func renewed(_ token: SessionToken, life: Duration? = .seconds(43_200)) -> RenewalOutcome {
        .renewed(
            RenewedToken(token: token, life: life, fingerprint: nil),
            answer: WholeResponse(
                status: 200, fields: HeaderFields(), body: bytes("{\"session_token\":\"") + token.bytes + bytes("\"}")))
    }

    /// A 400 that says that the session is over.
    package static let rejected = RenewalOutcome.rejected(
        answer: WholeResponse(
            status: 400, fields: HeaderFields(), body: bytes("{\"error_code\":\"IDAAS.SDK.PARAM.0023\"}")))
    /// A 500.
    package static let failed = RenewalOutcome.lost(
        answer: WholeResponse(status: 500, fields: HeaderFields(), body: bytes("{}")), nil)
    package static let reset = RenewalOutcome.lost(answer: nil, .transport(TransportError(.broken, maybeSent: true)))
    package static let unreachable = RenewalOutcome.notSent(.transport(TransportError(.unreachable, maybeSent: false)))
}
