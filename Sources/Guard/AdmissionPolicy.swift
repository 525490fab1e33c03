// All checks that come before anything else, in their one order.

package import Model

/// The head of a request as the listener read it.
/// One object for all who look at it on the way.
package final class RequestHead: Sendable {
    package let method: [UInt8]
    package let target: [UInt8]
    package let fields: HeaderFields
    /// The caller's address in text when it came over TCP and is not loopback.
    package let peer: [UInt8]?

    package init(method: [UInt8], target: [UInt8], fields: HeaderFields, peer: [UInt8]?) {
        (self.method, self.target, self.fields, self.peer) = (method, target, fields, peer)
    }
}

/// Why a request does not pass (contract 4).
package enum GuardRefusal: Error, Sendable, Equatable, CaseIterable {
    /// No single valid `Host`, or a target that is no target.
    case malformed
    case targetTooLong
    case fieldsTooLarge
    case methodNotAllowed
    case upgradeNotSupported
    case hostNotAllowed
    case browserRefused
    case headerRequired
    case callerUnknown
    case userInvalid
    case pathAmbiguous
}

/// A request that may pass, and what was found out on the way.
package struct Admission: Sendable {
    package let target: RequestTarget
    package let user: UserKey?
}

/// The settings of the guard and its checks.
package struct AdmissionPolicy: Sendable {
    package var hosts = HostPolicy(names: [])
    /// Exact values of `Origin` that may call (`SIDECAR_ALLOWED_ORIGINS`).
    package var origins: Set<[UInt8]> = []
    /// `SIDECAR_REQUIRED_HEADER`; a nil value means any.
    package var requiredHeader: (name: FieldName, value: [UInt8]?)?
    /// `SIDECAR_LOCAL_TOKEN`
    package var localToken: SecretText?
    /// `SIDECAR_USER_HEADER`
    package var userHeader = FieldName.sidecarUser

    package static let longestTarget = 8192
    package static let largestFields = 65_536
    package static let mostFields = 100

    package init() {}

    private static let origin: FieldName = "Origin"
    private static let fetchSite: FieldName = "Sec-Fetch-Site"
    package static let callerToken: FieldName = "X-Sidecar-Token"
    /// The local API's paths hold a user key, which may hold any escape (contract 8).
    private static let usersPrefix = Array("/sidecar/v1/users/".utf8)

    /// - Throws: the first refusal, in the order of contract 4.
    package func admit(_ head: RequestHead) throws(GuardRefusal) -> Admission {
        guard head.target.count <= Self.longestTarget else { throw .targetTooLong }
        guard head.fields.lines.count <= Self.largestFields, head.fields.count <= Self.mostFields else {
            throw .fieldsTooLarge
        }
        try admitMethod(head)
        guard let target = RequestTarget(head.target) else { throw .malformed }
        guard case .once(let host) = head.fields.occurrence(.host) else { throw .malformed }
        guard hosts.permits(target.authority.map { $0[...] } ?? host) else { throw .hostNotAllowed }
        try admitBrowser(head)
        try admitCaller(head)
        guard target.isUnambiguous || target.path.starts(with: Self.usersPrefix) else { throw .pathAmbiguous }
        return Admission(target: target, user: try user(head))
    }

    private func admitMethod(_ head: RequestHead) throws(GuardRefusal) {
        if head.method.elementsEqual("CONNECT".utf8) || head.method.elementsEqual("TRACE".utf8) {
            throw .methodNotAllowed
        }
        if head.fields.lists("websocket", in: .upgrade) { throw .upgradeNotSupported }
    }

    private func admitBrowser(_ head: RequestHead) throws(GuardRefusal) {
        let origins = head.fields.values(Self.origin)
        guard origins.allSatisfy({ self.origins.contains(Array($0)) }) else { throw .browserRefused }
        let crossSite = head.fields.values(Self.fetchSite).contains {
            !ASCII.equalIgnoringCase($0, "same-origin") && !ASCII.equalIgnoringCase($0, "none")
        }
        if crossSite, origins.isEmpty { throw .browserRefused }
    }

    private func admitCaller(_ head: RequestHead) throws(GuardRefusal) {
        if let required = requiredHeader {
            let values = head.fields.values(required.name)
            guard !values.isEmpty,
                values.allSatisfy({ required.value == nil || $0.elementsEqual(required.value ?? []) })
            else {
                throw .headerRequired
            }
        }
        if let localToken {
            guard case .once(let token) = head.fields.occurrence(Self.callerToken),
                ConstantTime.equal(token, localToken.bytes[...])
            else { throw .callerUnknown }
        }
    }

    private func user(_ head: RequestHead) throws(GuardRefusal) -> UserKey? {
        switch head.fields.occurrence(userHeader) {
        case .none: return nil
        case .once(let value):
            guard let user = UserKey(Array(value)) else { throw .userInvalid }
            return user
        case .several: throw .userInvalid
        }
    }
}
