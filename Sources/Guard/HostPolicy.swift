// Which names a caller may call us by: the defence against DNS rebinding.

internal import Model

/// The names that `Host` may hold (contract 4): loopback, the listeners' own and the operator's list; ports are ignored.
package struct HostPolicy: Sendable {
    private let allowed: Set<[UInt8]>

    /// - Parameter names: lower case without port; an IPv6 address in brackets.
    package init(names: [String]) { allowed = Set(names.map { Array($0.lowercased().utf8) }) }

    package func permits(_ host: ArraySlice<UInt8>) -> Bool {
        guard let name = Self.name(host) else { return false }
        return name == Array("localhost".utf8) || name == Array("[::1]".utf8) || Self.isLoopback(name)
            || allowed.contains(name)
    }

    /// The host of `host[:port]` in lower case; nil when it is no such thing.
    static func name(_ host: ArraySlice<UInt8>) -> [UInt8]? {
        let text = host.map(ASCII.lowered)
        let end: Int
        if text.first == UInt8(ascii: "[") {
            guard let bracket = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            end = bracket + 1
        } else {
            end = text.firstIndex(of: UInt8(ascii: ":")) ?? text.count
        }
        let port = text[end...]
        guard end > 0,
            port.isEmpty
                || (port.first == UInt8(ascii: ":") && port.dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x39 })
        else { return nil }
        return Array(text[..<end])
    }

    /// 127.0.0.0/8 in dotted decimal.
    private static func isLoopback(_ name: [UInt8]) -> Bool {
        let parts = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].elementsEqual("127".utf8) else { return false }
        return parts.allSatisfy { $0.count <= 3 && (ASCII.decimal($0).map { $0 <= 255 } ?? false) }
    }
}
