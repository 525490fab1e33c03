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
    private let rows: [[UInt8]: Route]
    private let passthrough: [[UInt8]]

    private static let tenantPrefix = Array("/api/v2/tenant/".utf8)
    private static let sdkPrefixes = [Array("/api/v2/sdk/".utf8), Array("/api/v3/sdk/".utf8)]
    private static let tokenPath = Array("/api/v2/tenant/token".utf8)
    static let otherTenant = Route(row: "tenant", family: .tenant, sending: .afterRenewal)
    static let otherSDK = Route(row: "sdk", family: .sdk, devices: .header)
    static let other = Route(row: "passthrough", family: .passthrough)

    /// - Parameter passthrough: path prefixes that pass untouched (`SIDECAR_PASSTHROUGH_PATHS`).
    package init(profile: TenantProfile, passthrough: [[UInt8]] = []) {
        var rows: [[UInt8]: Route] = [:]
        for row in profile.rows { rows[Array("\(row.method) \(row.path)".utf8)] = row.route }
        self.rows = rows
        self.passthrough = passthrough
    }

    /// - Parameters:
    ///   - path: without the query; decoded, and already known to be unambiguous (contract 4).
    package func match(method: [UInt8], path: ArraySlice<UInt8>) -> RouteMatch {
        var key: [UInt8] = []
        key.reserveCapacity(method.count + 1 + path.count)
        key += method
        key.append(0x20)
        key += path
        if let route = rows[key] { return .route(route) }
        if path.starts(with: Self.tenantPrefix) {
            return path.elementsEqual(Self.tokenPath) ? .tokenEndpoint : .route(Self.otherTenant)
        }
        if Self.sdkPrefixes.contains(where: { path.starts(with: $0) }) { return .route(Self.otherSDK) }
        if passthrough.contains(where: { path.starts(with: $0) }) { return .route(Self.other) }
        return .none
    }
}
