// A rotation as a request to the tenant: the port that Sessions asks.

internal import Model
internal import Sessions
internal import Tenant

/// Presents a session token in a refresh call and says what became of it (contract 7.7).
struct TenantRenewal: SessionRenewal {
    let call: ProxiedCall
    let sender: UpstreamSender
    let pins: FingerprintPins
    let log: RequestLog
    /// The longest answer that is read, in bytes.
    let limit: Int

    func renew(_ presentation: Presentation) async -> RenewalOutcome {
        log.noteOverride(of: call.fingerprint, by: presentation.session.fingerprint)
        let fingerprint = pins.choose(
            pinned: presentation.session.fingerprint, sent: call.fingerprint, user: presentation.key)
        do throws(SendFailure) {
            switch try await sender.send(call, token: presentation.token, fingerprint: fingerprint) {
            case .streaming(let response): return await read(response, fingerprint)
            case .error(let answer, .deadSession): return .rejected(answer: answer)
            case .error(let answer, .failed): return .lost(answer: answer, nil)
            case .error(let answer, _): return .refused(answer: answer)
            }
        } catch {
            switch error {
            case .noAccessToken: return .notSent(.noAccessToken)
            case .envelope: return .notSent(.unreadableAnswer)
            case .transport(let error):
                return error.maybeSent ? .lost(answer: nil, .transport(error)) : .notSent(.transport(error))
            }
        }
    }

    /// Anything below 400 that holds no session token may be a rotation whose answer we cannot read.
    private func read(_ response: UpstreamResponse, _ fingerprint: DeviceFingerprint?) async -> RenewalOutcome {
        let body: [UInt8]
        do { body = try await response.body.collect(upTo: limit) } catch {
            return .lost(
                answer: nil, .transport(TransportError(error == .timedOut ? .timeout : .broken, maybeSent: true)))
        }
        guard response.status == 200, let answer = SessionAnswer(body: body) else {
            return .lost(answer: nil, .unreadableAnswer)
        }
        return .renewed(
            RenewedToken(token: answer.token, life: answer.life, fingerprint: fingerprint, idToken: answer.idToken),
            answer: WholeResponse(status: response.status, fields: response.fields, body: body))
    }
}
