// Which version of the program this is.

internal import CurlTransport
internal import SessionStores

package enum Version {
    package static let text = "0.6.0"

    /// The libraries that are found at run time, a line each.
    package static var libraries: [String] { [CurlClient.libraryVersion, "SQLite \(SQLiteStore.libraryVersion)"] }
}
