// The port to where access tokens come from.

package import Model

/// An access token as it was fetched.
package struct FetchedToken: Sendable {
    package let token: SecretText
    /// Nil when it does not end.
    package let life: Duration?
    package init(token: SecretText, life: Duration?) { (self.token, self.life) = (token, life) }
}

/// Why no access token could be fetched. Holds nothing that the tenant said but its status and code.
package enum TokenFetchError: Error, Sendable, Equatable, CustomStringConvertible {
    case transport(TransportError)
    /// The tenant refused the client; `code` is its `error`, `-` if it gave none that is safe to print.
    case refused(status: Int, code: String)
    /// A 200 without a usable token.
    case unreadable
    /// The file is missing, not readable or holds no usable token.
    case file

    /// For the metrics.
    var label: String {
        switch self {
        case .transport(let error): error.reason.rawValue
        case .refused(let status, _): "status_\(status)"
        case .unreadable: "unreadable"
        case .file: "file"
        }
    }

    /// For the log.
    package var description: String {
        switch self {
        case .transport(let error): error.description
        case .refused(let status, let code): "refused with \(status) \(code)"
        case .unreadable: "the answer holds no usable token"
        case .file: "the file holds no usable token"
        }
    }
}

/// Where access tokens come from.
package protocol AccessTokenFetching: Sendable {
    /// Whether a fetch may bring another token than the last one did.
    var isRenewable: Bool { get }
    func fetch() async throws(TokenFetchError) -> FetchedToken
    /// Something that changes when the source has a new token without being asked; nil when there is no such thing.
    func changeMark() -> AccessTokenMark?
}

/// Tells one content of a source from another.
package struct AccessTokenMark: Sendable, Equatable {
    private let parts: [Int64]
    package init(_ parts: [Int64]) { self.parts = parts }
}

/// `SIDECAR_ACCESS_TOKEN`
package struct FixedAccessToken: AccessTokenFetching {
    private let token: SecretText
    package init(_ token: SecretText) { self.token = token }
    package var isRenewable: Bool { false }
    package func fetch() async throws(TokenFetchError) -> FetchedToken { FetchedToken(token: token, life: nil) }
    package func changeMark() -> AccessTokenMark? { nil }
}

/// `SIDECAR_ACCESS_TOKEN_FILE`: read again when the file changes, and when the tenant refuses what was read.
package struct FileAccessToken: AccessTokenFetching {
    private let read: @Sendable () -> SecretText?
    private let mark: @Sendable () -> AccessTokenMark?

    /// - Parameters:
    ///   - read: the token in the file now, its trailing newline dropped; nil when there is none.
    ///   - mark: what tells a changed file (device, inode, size and time of its target).
    package init(read: @escaping @Sendable () -> SecretText?, mark: @escaping @Sendable () -> AccessTokenMark?) {
        (self.read, self.mark) = (read, mark)
    }

    package var isRenewable: Bool { true }
    package func fetch() async throws(TokenFetchError) -> FetchedToken {
        guard let token = read() else { throw .file }
        return FetchedToken(token: token, life: nil)
    }
    package func changeMark() -> AccessTokenMark? { mark() }
}
