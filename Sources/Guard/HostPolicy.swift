// Which names a caller may call us by: the defence against DNS rebinding.

internal import Model

/// The names that `Host` may hold (contract 4): loopback, the listeners' own and the operator's list; ports are ignored.
package struct HostPolicy: Sendable {
    private let allowed: Set<[UInt8]>

    /// - Parameter names: lower case without port; an IPv6 address in brackets.
    package init(names: [String]) { allowed = Set(names.map { Array($0.lowercased().utf8) }) }

    package func permits(_ host: ArraySlice<UInt8>) -> Bool {
        guard let name = Self.name(host) else { return false }
        return Self.isLoopback(name) || ASCII.equalIgnoringCase(name, "localhost") || name.elementsEqual("[::1]".utf8)
            || allowed.contains(name.map(ASCII.lowered))
    }

    /// The host of `host[:port]`; nil when it is no such thing.
    static func name(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let end: Int
        if text.first == UInt8(ascii: "[") {
            guard let bracket = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            end = bracket + 1
        } else {
            end = text.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
        }
        let port = text[end...]
        guard end > text.startIndex,
            port.isEmpty
                || (port.first == UInt8(ascii: ":") && port.dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x39 })
        else { return nil }
        return text[..<end]
    }

    /// 127.0.0.0/8 in dotted decimal.
    private static func isLoopback(_ name: ArraySlice<UInt8>) -> Bool {
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
