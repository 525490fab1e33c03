// Which names a caller may call us by: the defence against DNS rebinding.

internal import Model

/// The names that `Host` may hold (contract 4): loopback, the listeners' own and the operator's list; ports are ignored.
package struct HostPolicy: Sendable {
    private static let localhost = Array("localhost".utf8)
    private static let loopback6 = Array("[::1]".utf8)

    private let allowed: Set<[UInt8]>

    /// - Parameter names: lower case without port; an IPv6 address in brackets.
    package init(names: [String]) { allowed = Set(names.map { Array($0.lowercased().utf8) }) }

    package func permits(_ host: ArraySlice<UInt8>) -> Bool {
        guard let name = Self.name(host) else { return false }
        return name == Self.localhost || name == Self.loopback6 || Self.isLoopback(name) || allowed.contains(name)
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
        guard name.count <= 15 else { return false }
        var (part, digits, parts) = (0, 0, 0)
        for byte in name {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, parts > 0 || part == 127 else { return false }
                (part, digits, parts) = (0, 0, parts + 1)
            } else {
                guard byte >= 0x30, byte <= 0x39, digits < 3 else { return false }
                (part, digits) = (part * 10 + Int(byte - 0x30), digits + 1)
                guard part <= 255 else { return false }
            }
        }
        return parts == 3 && digits > 0
    }
}
