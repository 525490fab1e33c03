// Why the sidecar is not ready, as a value.

package import Model

/// What `/readyz` looks at (contract 12).
package struct Readiness: Sendable, Equatable {
    package enum Reason: Sendable, Equatable {
        case noAccessToken, storeNotWritable, unsavedSessions, draining, starting
        /// A store on the network cannot be used.
        case store(StoreTrouble)

        /// As `/readyz` and the status page say it.
        package var text: String {
            switch self {
            case .noAccessToken: "no usable access token is held"
            case .storeNotWritable: "the store does not take writes; sessions are served, none is refreshed"
            case .unsavedSessions: "the store could not take a session; memory holds the only copy"
            case .draining: "shutting down"
            case .starting: "starting; the store has not been reached yet"
            case .store(let trouble): trouble.text
            }
        }
    }

    package let reasons: [Reason]
    package init(reasons: [Reason]) { self.reasons = reasons }

    package var isReady: Bool { reasons.isEmpty }

    /// `{"ready":false,"reasons":["…"]}`; the texts need no escapes.
    var json: String {
        "{\"ready\":\(isReady),\"reasons\":[\(reasons.map { "\"\($0.text)\"" }.joined(separator: ","))]}\n"
    }
}

extension StoreTrouble {
    fileprivate var text: String {
        switch self {
        case .unreachable: "the store cannot be reached; sessions are served from memory, none is refreshed"
        case .untrusted: "the store's certificate is not trusted, or it does not take ours"
        case .slow: "the store does not answer in time"
        case .refused: "the store refuses the user, the password or a command"
        case .loading: "the store is loading its data"
        case .busy: "the store is busy with somebody's script"
        case .readOnly: "the store is a replica and takes no writes"
        case .full: "the store's memory is full"
        case .notSaving: "the store cannot save, and takes no writes"
        case .foreign: "the store was begun with another key"
        case .broken: "what answers at the store's address is not understood"
        }
    }
}
