// Why the sidecar is not ready, as a value.

/// What `/readyz` looks at (contract 12).
package struct Readiness: Sendable, Equatable {
    package enum Reason: String, Sendable, CaseIterable {
        case noAccessToken = "no usable access token is held"
        case storeNotWritable = "the store does not take writes; sessions are served, none is refreshed"
        case unsavedSessions = "the store could not take a session; memory holds the only copy"
        case draining = "shutting down"
    }

    package let reasons: [Reason]
    package init(reasons: [Reason]) { self.reasons = reasons }

    package var isReady: Bool { reasons.isEmpty }

    /// `{"ready":false,"reasons":["…"]}`; the texts need no escapes.
    var json: String {
        "{\"ready\":\(isReady),\"reasons\":[\(reasons.map { "\"\($0.rawValue)\"" }.joined(separator: ","))]}\n"
    }
}
