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

    /// The fields of a request that go on, in their order, and those that are injected behind them.
    /// - Parameter without: names that do not go on although nothing is injected for them.
    package func merge(_ fields: HeaderFields, injected: HeaderFields, without: FieldNames) -> HeaderFields {
        let named = fields.namedByConnection
        var merged = HeaderFields()
        merged.reserveCapacity(
            bytes: fields.lines.count + injected.lines.count, fields: fields.count + injected.count)
        merged.append(fieldsOf: fields) { index in
            !fields.collides(index, with: always) && !fields.collides(index, with: injected)
                && !fields.collides(index, with: without) && !fields.collides(index, with: named)
                && !fields.begins(index, with: Self.ownPrefix)
        }
        merged.append(contentsOf: injected)
        return merged
    }

    /// The fields behind a body that go on: none that any route injects.
    package func trailers(_ fields: HeaderFields) -> HeaderFields { fields.asTrailers(without: never) }
}
