// Why the sidecar is not ready, as a value.

/// What `/readyz` looks at (contract 12).
package struct Readiness: Sendable, Equatable {
    package enum Reason: String, Sendable, CaseIterable {
        case noAccessToken = "no usable access token is held"
        case storeNotWritable = "the store does not take writes; sessions are served, none is refreshed"
        case unsavedSessions = "the store could not take a session; memory holds the only copy"
        case draining = "shutting down"
        case starting = "starting; the store has not been reached yet"
        case storeUnreachable = "the store cannot be reached; sessions are served from memory, none is refreshed"
        case storeUntrusted = "the store's certificate is not trusted, or it does not take ours"
        case storeSlow = "the store does not answer in time"
        case storeRefuses = "the store refuses the user, the password or a command"
        case storeLoading = "the store is loading its data"
        case storeBusy = "the store is busy with somebody's script"
        case storeReadOnly = "the store is a replica and takes no writes"
        case storeFull = "the store's memory is full"
        case storeNotSaving = "the store cannot save, and takes no writes"
        case storeForeign = "the store was begun with another key"
        case storeBroken = "what answers at the store's address is not understood"
    }

    package let reasons: [Reason]
    package init(reasons: [Reason]) { self.reasons = reasons }

    package var isReady: Bool { reasons.isEmpty }

    /// `{"ready":false,"reasons":["…"]}`; the texts need no escapes.
    var json: String {
        "{\"ready\":\(isReady),\"reasons\":[\(reasons.map { "\"\($0.rawValue)\"" }.joined(separator: ","))]}\n"
    }
}
