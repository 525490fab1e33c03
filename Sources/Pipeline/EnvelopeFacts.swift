// The tenant's public key and time as requests: the port that SessionEnvelope asks.

internal import Model
internal import SessionEnvelope
internal import Tenant

/// Asks like the call that needs the envelope: with its device values.
struct EnvelopeFacts: EnvelopeFetching {
    let call: ProxiedCall
    let send: @Sendable (ProxiedCall) async throws(SendFailure) -> SentAnswer

    private static let longestAnswer = 65_536

    func publicKey() async throws(EnvelopeFault) -> [UInt8] { try await fetch("/api/v2/sdk/public-key") }
    func serverDate() async throws(EnvelopeFault) -> [UInt8] { try await fetch("/api/v2/sdk/server-date") }

    private func fetch(_ path: String) async throws(EnvelopeFault) -> [UInt8] {
        let route = Route(row: "sdk", family: .sdk, devices: .header)
        let answer: SentAnswer
        do {
            answer = try await send(
                try .unasked(
                    route, "GET", Array(path.utf8), for: call.user, like: call.fields, peer: call.peer,
                    identity: call.identity))
        } catch {
            guard case .transport(let fault)? = error as? SendFailure else { throw .unreadable }
            throw .transport(fault)
        }
        guard case .streaming(let response) = answer, response.status == 200 else { throw .unreadable }
        do { return try await response.body.collect(upTo: Self.longestAnswer) } catch { throw .unreadable }
    }
}
