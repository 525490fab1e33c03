// An explanation as JSON and as a few lines for a person; secrets are `•••`.

internal import JSONText
internal import Model

extension Explanation {
    private static let secretFields: [FieldName] = [
        .authorization, "Cookie", "Proxy-Authorization", "session-token", "X-session-token", "X-signature",
        "X-state-token", "X-device-fingerprint",
    ]
    private static let secretMembers: [StaticString] = [
        "session_token", "device_fingerprint", "sso_ticket", "password", "old_password", "new_password", "verify_code",
        "code", "client_secret", "access_token", "id_token", "state_token",
    ]

    var json: [UInt8] {
        var text = Array("{\"outcome\":\"\(outcome.rawValue)\",\"route\":".utf8)
        append(route, to: &text)
        text += Array(",\"request\":".utf8)
        if let outgoing { append(outgoing, to: &text) } else { text += Array("null".utf8) }
        text += Array(",\"error\":".utf8)
        if let error {
            text += Array("{\"status\":\(error.status),\"error_code\":\"SIDECAR.\(error.code)\",\"error_msg\":".utf8)
            JSONString.append(Array(error.message.utf8), to: &text)
            text.append(UInt8(ascii: "}"))
        } else {
            text += Array("null".utf8)
        }
        text += Array(",\"why\":[".utf8)
        for (index, reason) in reasons.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            JSONString.append(Array(reason.utf8), to: &text)
        }
        return text + Array("]}".utf8)
    }

    /// For a terminal.
    var text: String {
        var text = "\(outcome.rawValue)\(route.map { " as \($0)" } ?? "")\n"
        for reason in reasons { text += "  - \(reason)\n" }
        if let error {
            text += "the app gets \(error.status) SIDECAR.\(error.code)\n  -> \(error.remedy.filter { $0 != "`" })\n"
        }
        guard let outgoing else { return text }
        text += "\nthe tenant gets\n\n"
        text +=
            "\(String(decoding: outgoing.method, as: UTF8.self)) \(String(decoding: outgoing.target, as: UTF8.self))\n"
        for index in 0..<outgoing.fields.count {
            let field = outgoing.fields[index]
            text +=
                "\(String(decoding: field.name, as: UTF8.self)): \(String(decoding: Self.shown(field.name, field.value), as: UTF8.self))\n"
        }
        if let body = outgoing.body { text += "\n\(String(decoding: Self.shown(body), as: UTF8.self))\n" }
        return text
    }

    private func append(_ value: String?, to text: inout [UInt8]) {
        if let value { JSONString.append(Array(value.utf8), to: &text) } else { text += Array("null".utf8) }
    }

    private func append(_ request: Outgoing, to text: inout [UInt8]) {
        text += Array("{\"method\":".utf8)
        JSONString.append(request.method, to: &text)
        text += Array(",\"target\":".utf8)
        JSONString.append(request.target, to: &text)
        text += Array(",\"headers\":[".utf8)
        for index in 0..<request.fields.count {
            let field = request.fields[index]
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text.append(UInt8(ascii: "["))
            JSONString.append(Array(field.name), to: &text)
            text.append(UInt8(ascii: ","))
            JSONString.append(Self.shown(field.name, field.value), to: &text)
            text.append(UInt8(ascii: "]"))
        }
        text += Array("],\"body\":".utf8)
        text += request.body.map { Self.shown($0) } ?? Array("null".utf8)
        text.append(UInt8(ascii: "}"))
    }

    /// A secret's scheme may be seen.
    private static func shown(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) -> [UInt8] {
        guard secretFields.contains(where: { $0.collides(with: name) }) else {
            return value.map { $0 < 0x80 ? $0 : UInt8(ascii: "?") }
        }
        let bearer = Array("Bearer ".utf8)
        return (value.starts(with: bearer) ? bearer : []) + Array("•••".utf8)
    }

    private static func shown(_ object: JSONObject) -> [UInt8] {
        var edit = JSONEdit()
        for name in secretMembers where object.member(name) != nil {
            edit.put(name, Array("•••".utf8), in: object)
        }
        return edit.applied(to: object)
    }
}
