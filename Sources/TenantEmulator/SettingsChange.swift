// What `PUT /settings` of the control port may change while the tenant runs.

/// Read whole before any of it is applied.
struct SettingsChange {
    struct Unreadable: Error {
        let name: String
    }

    private var changes: [(inout TenantDesk.State) -> Void] = []

    init(_ json: JSONValue) throws(Unreadable) {
        guard case .object(let members) = json else { throw Unreadable(name: "") }
        for member in members {
            guard let change = Self.change(member.name, member.value) else { throw Unreadable(name: member.name.text) }
            changes.append(change)
        }
    }

    private static func change(_ name: ExactText, _ value: JSONValue) -> ((inout TenantDesk.State) -> Void)? {
        switch name {
        case "access_token_life": value.int.map { life in { $0.rules.settings.accessTokenLife = life } }
        case "session_life": value.int.map { life in { $0.rules.settings.sessionLife = life } }
        case "previous_token_grace": value.int.map { grace in { $0.rules.settings.previousTokenGrace = grace } }
        case "clock_offset": value.int.map { offset in { $0.rules.settings.clockOffset = offset } }
        case "request_log": value.bool.map { isOn in { $0.log.isOn = isOn } }
        case "expire_field":
            value.string.flatMap(ExpireField.init(rawValue:)).map { field in { $0.rules.settings.expireField = field } }
        case "connection_close": value.bool.map { closes in { $0.closesConnections = closes } }
        default: nil
        }
    }

    func apply(to state: inout TenantDesk.State) {
        for change in changes { change(&state) }
    }
}
