// Which of the app's header fields go to the tenant.

package import Model

/// The rule for dropping fields (contract 4): hop-by-hop ones, those that `Connection` names, the sidecar's own, framing, and
/// those that collide with what is injected, by any case and with `_` for `-`.
package struct ForwardedFields: Sendable {
    private static let framing: [FieldName] = [.host, .contentLength, .expect] + FieldName.hopByHop
    private static let sessionTokens: [FieldName] = ["session-token", "X-session-token"]
    private static let ownPrefix = Array("x-sidecar-".utf8)

    private let always: FieldNames
    private let never: [FieldName]

    /// - Parameter dropped: the names that the operator chose (user header, required header).
    package init(dropped: [FieldName]) {
        always = FieldNames(dropped + Self.framing)
        never = dropped + Self.framing + DeviceFieldNames.carried + [DeviceFieldNames.fingerprint] + Self.sessionTokens
    }

    /// The fields of `head` that go on, in their order.
    /// - Parameter injected: names that will be added afterwards.
    package func select(_ fields: HeaderFields, injected: [FieldName]) -> HeaderFields {
        let others = FieldNames(injected + fields.list(.connection).map { FieldName(Array($0)) })
        var kept = HeaderFields()
        kept.reserveCapacity(bytes: fields.lines.count + 512, fields: fields.count + 8)
        for index in 0..<fields.count {
            let dropped =
                fields.collides(index, with: always) || fields.collides(index, with: others)
                || fields.begins(index, with: Self.ownPrefix)
            if !dropped { kept.append(index, of: fields) }
        }
        return kept
    }

    /// The fields behind a body that go on: none that any route injects.
    package func trailers(_ fields: HeaderFields) -> HeaderFields { fields.asTrailers(without: never) }
}
