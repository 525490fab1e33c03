// The last errors that the sidecar answered by itself, for whoever looks at the status page.

internal import NIOConcurrencyHelpers

/// One entry for each error code: how often, and when and for which request last.
package final class RecentErrors: Sendable {
    package struct Entry: Sendable, Equatable {
        package let code: String
        package fileprivate(set) var count: Int
        package fileprivate(set) var last: ContinuousClock.Instant
        /// The app's own word, up to 128 visible ASCII characters.
        package fileprivate(set) var requestID: String
    }

    private let entries = NIOLockedValueBox<[String: Entry]>([:])

    package init() {}

    /// - Parameter code: of the error catalogue, so that there are never more entries than the catalogue has rows.
    package func add(_ code: String, requestID: String) {
        entries.withLockedValue { entries in
            entries[code, default: Entry(code: code, count: 0, last: .now, requestID: requestID)].count += 1
            entries[code]?.last = .now
            entries[code]?.requestID = requestID
        }
    }

    /// The latest first.
    package var all: [Entry] { entries.withLockedValue { $0.values.sorted { $0.last > $1.last } } }
}
