// The request as it leaves for the tenant: the app's own, with everything added that it does not know.

package import JSONText
package import Model
package import Tenant

/// What is added to one request.
package struct Credentials: Sendable {
    /// Of tenant-family routes only.
    package let accessToken: SecretText?
    /// Nil where the route takes no device values.
    package let device: DeviceFacts?
    /// The newest session token; nil where the route takes none.
    package let sessionToken: SessionToken?
    /// The session token as `X-signature`, where the route takes it so.
    package let envelope: [UInt8]?
    /// Where the route takes it and the app sends none.
    package let idToken: IDToken?
    package let requestID: [UInt8]
    /// Nil where the app's own passes.
    package let traceparent: [UInt8]?

    package init(
        accessToken: SecretText?, device: DeviceFacts?, sessionToken: SessionToken?, envelope: [UInt8]? = nil,
        idToken: IDToken? = nil, requestID: [UInt8], traceparent: [UInt8]? = nil
    ) {
        self.accessToken = accessToken
        self.device = device
        self.sessionToken = sessionToken
        self.envelope = envelope
        self.idToken = idToken
        self.requestID = requestID
        self.traceparent = traceparent
    }
}

/// Builds outgoing header fields and bodies (contract 5).
package struct CredentialInjector: Sendable {
    private let forwarded: ForwardedFields
    private let contentType: [UInt8]
    private let clientID: [UInt8]?
    private let tenantID: [UInt8]?

    /// - Parameters:
    ///   - contentType: of bodies that are injected into.
    ///   - clientID: the public application id for `X-client-id`.
    ///   - tenantID: for `X-tenant-id` (ISV callers).
    package init(forwarded: ForwardedFields, contentType: [UInt8], clientID: [UInt8]?, tenantID: [UInt8]?) {
        (self.forwarded, self.contentType) = (forwarded, contentType)
        (self.clientID, self.tenantID) = (clientID, tenantID)
    }

    /// The fields that go to the tenant. The access token goes out on tenant-family routes and nowhere else.
    package func fields(_ fields: HeaderFields, for route: Route, _ credentials: Credentials) -> HeaderFields {
        var injected = HeaderFields()
        injected.reserveCapacity(bytes: 512 + (credentials.accessToken?.bytes.count ?? 0), fields: 12)
        injected.append(.requestID, credentials.requestID)
        if let traceparent = credentials.traceparent { injected.append(.traceparent, traceparent) }
        if let tenantID, route.family != .passthrough {
            injected.append(DeviceFieldNames.tenantID, Self.own(DeviceFieldNames.tenantID, fields) ?? tenantID)
        }
        // Answers are read here for sessions, refusals and our own token: they have to come in plain text.
        if route.family != .passthrough { injected.append(.acceptEncoding, Self.plain) }
        if route.family == .tenant, let token = credentials.accessToken {
            injected.append(.authorization, Self.bearer, token.bytes)
        }
        if route.needsWholeBody { injected.append(.contentType, contentType) }
        if route.devices == .header, let device = credentials.device { inject(device, into: &injected, fields) }
        switch route.token {
        case .header(let name):
            if let token = credentials.sessionToken { injected.append(name, token.bytes) }
        case .envelope:
            if let envelope = credentials.envelope { injected.append(.signature, envelope) }
        case .idToken:
            if let token = credentials.idToken { injected.append(.authorization, Self.bearer, token.text.bytes) }
        case .none, .body: break
        }
        return forwarded.merge(
            fields, injected: injected,
            without: Self.dropped(isTenants: route.family == .tenant, hasTrace: credentials.traceparent != nil))
    }

    /// A tenant-family route takes no `Authorization` but ours, whether there is one or not; a trace of ours has no state of the app's.
    private static func dropped(isTenants: Bool, hasTrace: Bool) -> FieldNames {
        switch (isTenants, hasTrace) {
        case (true, true): authorizationAndTrace
        case (true, false): authorization
        case (false, true): trace
        case (false, false): .none
        }
    }

    private static let plain = Array("identity".utf8)
    private static let bearer = Array("Bearer ".utf8)
    private static let authorizationAndTrace = FieldNames([.authorization, .tracestate])
    private static let authorization = FieldNames([.authorization])
    private static let trace = FieldNames([.tracestate])

    /// What may follow a streamed body.
    package func trailers(_ fields: HeaderFields) -> HeaderFields { forwarded.trailers(fields) }

    /// The device values as header fields: the app's own value passes if it sent one, but for the fingerprint.
    private func inject(_ device: DeviceFacts, into injected: inout HeaderFields, _ fields: HeaderFields) {
        let values = [
            (DeviceFieldNames.system, device.operatingSystem), (DeviceFieldNames.address, device.address),
            (DeviceFieldNames.agent, device.agent),
        ]
        for (name, value) in values { injected.append(name, Self.own(name, fields) ?? value) }
        if let clientID {
            injected.append(DeviceFieldNames.clientID, Self.own(DeviceFieldNames.clientID, fields) ?? clientID)
        }
        injected.append(DeviceFieldNames.fingerprint, device.fingerprint.bytes)
    }

    /// The app's own value; nil when it sent none, or an empty one.
    private static func own(_ name: FieldName, _ fields: HeaderFields) -> [UInt8]? {
        fields.first(name).flatMap { $0.isEmpty ? nil : Array($0) }
    }

    /// The body with its device values and session token; every other byte stays. A value that the app sent wins if it is not
    /// empty or null, but for the fingerprint and the session token.
    package func body(_ object: JSONObject, for route: Route, _ credentials: Credentials) -> [UInt8] {
        var edit = JSONEdit()
        if route.devices == .body, let device = credentials.device {
            func own(_ name: StaticString, _ value: [UInt8]) {
                let member = object.member(name)
                guard !Self.isFilled(member) else { return }
                edit.put(name, value, over: member)
            }
            own("operating_sys_version", device.operatingSystem)
            own("device_ip", device.address)
            own("agent", device.agent)
            edit.put("device_fingerprint", device.fingerprint.bytes, in: object)
        }
        if route.token == .body, let token = credentials.sessionToken {
            edit.put("session_token", token.bytes, in: object)
        }
        return edit.applied(to: object)
    }

    private static func isFilled(_ member: JSONObject.Member?) -> Bool {
        guard let member, member.kind != .null else { return false }
        return member.kind != .string || member.value.count > 2
    }
}
