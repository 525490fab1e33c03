// One input of the fuzzer through everything that reads bytes from outside: HTTP/1.1, request target, route, JSON, injection,
// answers.

internal import Guard
internal import Injection
internal import JSONText
internal import Model
internal import Tenant

/// Each stops the program where a promise is broken.
package enum FuzzChecks {
    /// - Parameter input: the first byte chooses what the others are.
    package static func check(_ input: [UInt8]) {
        guard let choice = input.first else { return }
        let rest = Array(input.dropFirst())
        guard choice < 0x80 else {
            return choice.isMultiple(of: 2) ? WireChecks.requests(rest) : WireChecks.answers(rest)
        }
        switch choice % 4 {
        case 0: body(rest)
        case 1: request(rest)
        case 2: answer(rest)
        default: words(rest)
        }
    }

    private static let injector = CredentialInjector(
        forwarded: ForwardedFields(dropped: [.sidecarUser]), contentType: Array("application/json".utf8),
        clientID: Array("id".utf8), tenantID: nil)
    private static let devices = DeviceDefaults(
        operatingSystem: Array("OS".utf8), address: Array("192.0.2.1".utf8), agent: Array("agent".utf8))
    private static let profiles = [TenantProfile.ciam, .eiam, .oneAccess]
    private static let tables = profiles.map { RouteTable(profile: $0, passthrough: [Array("/pass/".utf8)]) }

    private static func credentials(_ fields: HeaderFields) -> Credentials {
        guard let fingerprint = DeviceFingerprint(Array("fp".utf8)), let token = SessionToken(Array("T".utf8)),
            let access = SecretText(Array("ACCESS".utf8))
        else { preconditionFailure("the samples are good") }
        return Credentials(
            accessToken: access, device: devices.facts(fields: fields, peer: nil, fingerprint: fingerprint),
            sessionToken: token, requestID: Array("r".utf8))
    }

    /// A body that is taken can be taken again after injection, with every injected member once.
    private static func body(_ bytes: [UInt8]) {
        guard let object = try? JSONObject(bytes) else { return }
        let route = Route(row: "T2", family: .tenant, devices: .body, token: .body, session: .rotates)
        let injected = injector.body(object, for: route, credentials(HeaderFields()))
        guard let again = try? JSONObject(injected) else { preconditionFailure("injection broke the body") }
        precondition(again.string("session_token") == Array("T".utf8))
        precondition(again.string("device_fingerprint") == Array("fp".utf8))
        precondition(again.members.count <= object.members.count + 5)
    }

    /// Lines `METHOD TARGET`, then `Name: value`: the guard decides, and only the tenant family gets the access token.
    private static func request(_ bytes: [UInt8]) {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let first = lines[0].split(separator: 0x20, maxSplits: 1)
        guard first.count == 2 else { return }
        var fields = HeaderFields()
        for line in lines.dropFirst() {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, parts[0].allSatisfy(ASCII.isTokenCharacter),
                !parts[1].contains(0x0D), !parts[1].contains(0)
            else { return }
            fields.append(parts[0], ASCII.trimmed(parts[1]))
        }
        let head = RequestHead(method: Array(first[0]), target: Array(first[1]), fields: fields, peer: nil)
        guard let admission = try? AdmissionPolicy().admit(head) else { return }
        for table in tables {
            guard case .route(let route) = table.match(method: head.method, path: admission.target.routedPath)
            else { continue }
            let outgoing = injector.fields(fields, for: route, credentials(fields))
            let isTenant = admission.target.routedPath.starts(with: Array("/api/v2/tenant/".utf8))
            let carries = outgoing.values(.authorization).contains { $0.elementsEqual("Bearer ACCESS".utf8) }
            precondition(
                carries == isTenant || fields.values(.authorization).contains { $0.elementsEqual("Bearer ACCESS".utf8) }
            )
            precondition(!isTenant || outgoing.values(.authorization).count == 1)
            precondition(!outgoing.lines.contains(0) && outgoing.values(.host).isEmpty)
        }
    }

    /// Nothing that a tenant may answer stops the program.
    private static func answer(_ bytes: [UInt8]) {
        _ = SessionAnswer(body: bytes)
        _ = TokenAnswer(body: bytes)
        _ = IDTokenReading.token(bytes)
        for status in [200, 400, 401, 500] {
            _ = TenantRefusal(status: status, body: bytes, deadSessionCodes: ["PARAM.0023"])
        }
    }

    /// Words that arrive from outside are what they say or are refused.
    private static func words(_ bytes: [UInt8]) {
        if let user = UserKey(bytes) { precondition(user.bytes == bytes && !bytes.isEmpty && bytes.count <= 256) }
        if let token = SessionToken(bytes) { precondition(token.bytes.allSatisfy(VisibleASCII.contains)) }
        if let decoded = Base64.decode(bytes) { precondition(Base64.encode(decoded).count == bytes.count) }
        if let number = ASCII.decimal(bytes[...]) { precondition(number >= 0) }
        _ = RequestTarget(bytes)?.isUnambiguous
        let accessToken = SecretText(Array("ACCESS".utf8))
        if let accessToken { precondition(AnswerScrubber.blank(accessToken, in: bytes).count == bytes.count) }
    }
}
