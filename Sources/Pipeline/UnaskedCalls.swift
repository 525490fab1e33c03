// Calls that no app asked for: what has to come before its own, or what the local API wants.

internal import Model
internal import Sessions
internal import Tenant

extension ProxyPipeline {
    /// T2 for one that no app asked for.
    func unaskedRefresh(
        for user: UserKey?, like fields: HeaderFields, peer: [UInt8]?, identity: RequestIdentity
    ) throws(ProxyError) -> TenantRenewal {
        try unasked(TenantProfile.refreshPath, for: user, like: fields, peer: peer, identity: identity)
    }

    /// Made only when a rotation has to come before the call.
    struct RefreshAhead: SessionRenewal {
        let pipeline: ProxyPipeline
        let call: ProxiedCall

        func renew(_ presentation: Presentation) async -> RenewalOutcome {
            do throws(ProxyError) {
                let renewal = try pipeline.unaskedRefresh(
                    for: call.user, like: call.fields, peer: call.peer, identity: call.identity)
                return await renewal.renew(presentation)
            } catch { return .notSent(.unreadableAnswer) }
        }
    }

    /// S1 for a call that needs an id_token.
    func unaskedExchange(_ call: ProxiedCall) throws(ProxyError) -> TenantRenewal {
        try unasked(
            TenantProfile.idTokenPath, for: call.user, like: call.fields, peer: call.peer, identity: call.identity)
    }

    private func unasked(
        _ path: [UInt8], for user: UserKey?, like fields: HeaderFields, peer: [UInt8]?, identity: RequestIdentity
    ) throws(ProxyError) -> TenantRenewal {
        guard case .route(let route) = routes.match(method: Array("POST".utf8), path: path) else {
            throw .pathNotAllowed
        }
        return renewal(
            try .unasked(route, "POST", path, for: user, like: fields, peer: peer, identity: identity))
    }
}
