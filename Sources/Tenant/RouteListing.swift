// The rows of every edition as a table for people (`ciam-sidecar routes`).

internal import Model

/// One line of the table: where the editions differ, each says so for itself.
package struct RouteListing: Sendable {
    private static let editions: [TenantProfile] = [.ciam, .eiam, .oneAccess]

    private let row: String
    /// Method and path, or a family of paths, in Markdown.
    private let call: String
    private let authorization: String
    private let devices: String
    private let token: String
    private let effect: String
    private let again: String

    /// In the order of the profiles, then the families of paths that have no row.
    package static let all = rows + families

    private static let rows: [RouteListing] = editions[0].rows.map { first in
        let routes = editions.compactMap { edition in
            edition.rows.first { $0.route.row.utf8.elementsEqual(first.route.row.utf8) }
                .map { (edition.name, $0.method, $0.route) }
        }
        return RouteListing(first.route.row, "`\(first.method) \(first.path)`", routes)
    }

    private static let families = [
        RouteListing(
            row: "", call: "`POST /api/v2/tenant/token`", authorization: "", devices: "", token: "",
            effect: "never forwarded: `SIDECAR_TOKEN_ENDPOINT`", again: "never"),
        RouteListing(RouteTable.otherTenant.row, "other `/api/v2/tenant/…`", [("", "", RouteTable.otherTenant)]),
        RouteListing(
            RouteTable.otherSDK.row, "other `/api/v2/sdk/…`, `/api/v3/sdk/…`", [("", "", RouteTable.otherSDK)]),
        RouteListing(RouteTable.other.row, "`SIDECAR_PASSTHROUGH_PATHS`", [("", "", RouteTable.other)]),
    ]

    private init(
        row: String, call: String, authorization: String, devices: String, token: String, effect: String, again: String
    ) {
        (self.row, self.call, self.authorization, self.devices) = (row, call, authorization, devices)
        (self.token, self.effect, self.again) = (token, effect, again)
    }

    private init(_ row: String, _ call: String, _ routes: [(edition: String, method: String, route: Route)]) {
        self.init(
            row: row, call: call, authorization: Self.joined(routes.map { ($0.edition, Self.authorization($0.route)) }),
            devices: Self.joined(routes.map { ($0.edition, Self.devices($0.route)) }),
            token: Self.joined(routes.map { ($0.edition, Self.token($0.route)) }),
            effect: Self.joined(routes.map { ($0.edition, Self.effect($0.route)) }),
            again: Self.joined(routes.map { ($0.edition, Self.again($0.route, $0.method)) }))
    }

    /// A Markdown table of every row.
    package static var markdown: String {
        let head = [
            "| row | call | `Authorization` | device values | session token | what becomes of it | sent again |",
            "|---|---|---|---|---|---|---|",
        ]
        let lines = all.map { line in
            let cells = [line.row, line.call, line.authorization, line.devices, line.token, line.effect, line.again]
            return "| " + cells.joined(separator: " | ") + " |"
        }
        return (head + lines).joined(separator: "\n")
    }

    /// A few lines per row, for a terminal.
    package static var plain: String {
        all.map { line in
            let facts = [
                ("Authorization", line.authorization), ("device values", line.devices), ("session token", line.token),
                ("what becomes of it", line.effect), ("sent again", line.again),
            ]
            let told = facts.filter { !$0.1.isEmpty }.map { "\n    \($0.0): \($0.1)" }.joined()
            return (line.row.isEmpty ? "" : line.row + "  ") + line.call + told
        }.joined(separator: "\n").filter { $0 != "`" }
    }

    // MARK: words

    /// One text where all editions agree, else each text behind the names of its editions.
    private static func joined(_ texts: [(edition: String, text: String)]) -> String {
        var groups: [(editions: [String], text: String)] = []
        for (edition, text) in texts {
            if let index = groups.firstIndex(where: { $0.text.utf8.elementsEqual(text.utf8) }) {
                groups[index].editions.append(edition)
            } else {
                groups.append(([edition], text))
            }
        }
        if groups.count == 1 { return groups[0].text }
        return groups.filter { !$0.text.isEmpty }
            .map { "\($0.editions.map { "`\($0)`" }.joined(separator: ", ")): \($0.text)" }.joined(separator: "; ")
    }

    private static func authorization(_ route: Route) -> String {
        switch (route.family, route.token) {
        case (.tenant, _): "`Bearer` and the access token"
        case (.sdk, .idToken): "the app's own, else `Bearer` and the user's id_token"
        default: "the app's own"
        }
    }

    private static func devices(_ route: Route) -> String {
        switch route.devices {
        case .none: ""
        case .body: "body"
        case .header: "header"
        }
    }

    private static func token(_ route: Route) -> String {
        switch route.token {
        case .none: ""
        case .body: "`session_token` in the body"
        case .header(let field): "header `\(String(decoding: field.bytes, as: UTF8.self))`"
        case .envelope: "sealed in `X-signature`, unless the app proves its user"
        case .idToken: "buys the id_token, unless the app proves its user"
        }
    }

    private static func effect(_ route: Route) -> String {
        switch route.session {
        case .none: ""
        case .uses: "used"
        case .rotates: "replaced"
        case .exchanges: "may be replaced"
        case .opens: "learned from the answer"
        }
    }

    private static func again(_ route: Route, _ method: String) -> String {
        let isSafe = method.isEmpty || method == "GET"
        let broken = "\(method.isEmpty ? "GET and HEAD " : "")when a kept connection broke"
        switch route.sending {
        case .once: return "never"
        case .ifSafe: return isSafe ? broken : "never"
        case .afterRenewal: return "when the credential was renewed" + (isSafe ? "; \(broken)" : "")
        }
    }
}
