// The paths of the local API.

internal import Guard
internal import Model

/// A path of the local API, taken apart.
enum LocalResource: Sendable, Equatable {
    case user(UserKey)
    case sessionToken(UserKey)
    case refresh(UserKey)
    case explain
    case openAPI
    /// A user key that is none.
    case unknownUser
    case other

    private static let prefix = Array("/sidecar/".utf8)
    private static let users = Array("/sidecar/v1/users/".utf8)

    /// Nil for paths that are not the local API's. The user is percent-decoded exactly once and may hold any escape.
    init?(_ target: RequestTarget) {
        let path = target.path
        guard path.starts(with: Self.prefix) else { return nil }
        guard path.starts(with: Self.users) else {
            if path.elementsEqual("/sidecar/v1/explain".utf8) {
                self = .explain
            } else {
                self = path.elementsEqual("/sidecar/v1/openapi.json".utf8) ? .openAPI : .other
            }
            return
        }
        let rest = path.dropFirst(Self.users.count)
        let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        guard let user = Self.decoded(rest[..<end]).flatMap({ UserKey($0) }) else {
            self = .unknownUser
            return
        }
        let what = rest[end...]
        if what.isEmpty {
            self = .user(user)
        } else if what.elementsEqual("/session-token".utf8) {
            self = .sessionToken(user)
        } else {
            self = what.elementsEqual("/session-token/refresh".utf8) ? .refresh(user) : .other
        }
    }

    private static func decoded(_ segment: ArraySlice<UInt8>) -> [UInt8]? {
        guard segment.contains(UInt8(ascii: "%")) else { return Array(segment) }
        var bytes: [UInt8] = []
        var index = segment.startIndex
        while index < segment.endIndex {
            if segment[index] == UInt8(ascii: "%") {
                guard let byte = RequestTarget.escape(segment, index) else { return nil }
                bytes.append(byte)
                index += 3
            } else {
                bytes.append(segment[index])
                index += 1
            }
        }
        return bytes
    }
}
