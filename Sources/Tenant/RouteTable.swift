// From method and path to the row that a request is.

internal import Model

/// The outcome of looking a path up.
package enum RouteMatch: Sendable, Equatable {
    case route(Route)
    /// `POST /api/v2/tenant/token`: the sidecar alone mints tokens.
    case tokenEndpoint
    /// Under no allowed prefix.
    case none
}

/// All rows of one profile, the family rules for paths without a row, and the operator's passthrough prefixes.
package struct RouteTable: Sendable {
    private struct RowKey: Hashable {
        let method: [UInt8]
        let path: [UInt8]
        func hash(into hasher: inout Hasher) {
            hasher.combine(text: method)
            hasher.combine(text: path)
        }
    }

    private let rows: [RowKey: Route]
    private let passthrough: [[UInt8]]

    private static let tenantPrefix = Array("/api/v2/tenant/".utf8)
    private static let sdkPrefixes = [Array("/api/v2/sdk/".utf8), Array("/api/v3/sdk/".utf8)]
    private static let tokenPath = Array("/api/v2/tenant/token".utf8)
    static let otherTenant = Route(row: "tenant", family: .tenant, sending: .afterRenewal)
    static let otherSDK = Route(row: "sdk", family: .sdk, devices: .header)
    static let other = Route(row: "passthrough", family: .passthrough)

    /// - Parameter passthrough: path prefixes that pass untouched (`SIDECAR_PASSTHROUGH_PATHS`).
    package init(profile: TenantProfile, passthrough: [[UInt8]] = []) {
        var rows: [RowKey: Route] = [:]
        for row in profile.rows { rows[RowKey(method: Array(row.method.utf8), path: Array(row.path.utf8))] = row.route }
        self.rows = rows
        self.passthrough = passthrough
    }

    /// - Parameters:
    ///   - path: without the query; decoded, and already known to be unambiguous (contract 4).
    package func match(method: [UInt8], path: [UInt8]) -> RouteMatch {
        if let route = rows[RowKey(method: method, path: path)] { return .route(route) }
        if path.starts(with: Self.tenantPrefix) {
            return path.elementsEqual(Self.tokenPath) ? .tokenEndpoint : .route(Self.otherTenant)
        }
        if Self.sdkPrefixes.contains(where: { path.starts(with: $0) }) { return .route(Self.otherSDK) }
        if passthrough.contains(where: { path.starts(with: $0) }) { return .route(Self.other) }
        return .none
    }
}
