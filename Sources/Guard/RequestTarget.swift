// A request's target, taken apart without ever being rewritten.

/// Path and query of a request (RFC 9112 section 3.2), as bytes of the original.
package struct RequestTarget: Sendable, Equatable {
    /// Path, and query with its `?`, as it goes to the tenant.
    package let originForm: [UInt8]
    /// How many bytes of `originForm` are the path.
    private let pathLength: Int
    /// The authority of an absolute-form target.
    package let authority: [UInt8]?

    package var path: ArraySlice<UInt8> { originForm[..<pathLength] }
    /// The path as the tenant may read it, to tell what a request is: escapes decoded (once; `isUnambiguous` has refused those that
    /// hide something), no slash at its end. What is sent stays as it came.
    package var routedPath: [UInt8] {
        guard path.contains(UInt8(ascii: "%")) else {
            let hasSlash = pathLength > 1 && originForm[pathLength - 1] == UInt8(ascii: "/")
            return hasSlash || pathLength < originForm.count ? Array(path.dropLast(hasSlash ? 1 : 0)) : originForm
        }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(pathLength)
        var index = path.startIndex
        while index < path.endIndex {
            if path[index] == UInt8(ascii: "%"), let byte = Self.escape(path, index) {
                decoded.append(byte)
                index += 3
            } else {
                decoded.append(path[index])
                index += 1
            }
        }
        if decoded.count > 1, decoded.last == UInt8(ascii: "/") { decoded.removeLast() }
        return decoded
    }
    /// Without the `?`; empty when there is none.
    package var query: ArraySlice<UInt8> { originForm[pathLength...].dropFirst() }

    /// Nil when it is neither origin-form nor absolute-form with `http` or `https`, or holds a byte that no target may hold.
    package init?(_ target: [UInt8]) {
        guard target.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else { return nil }
        var rest = target[...]
        var authority: [UInt8]?
        if target.first != UInt8(ascii: "/") {
            guard let colon = target.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            let scheme = String(decoding: target[..<colon], as: UTF8.self).lowercased()
            rest = target[(colon + 1)...]
            guard scheme == "http" || scheme == "https", rest.starts(with: "//".utf8) else { return nil }
            rest = rest.dropFirst(2)
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            authority = Array(rest[..<end])
            rest = rest[end...]
            guard authority?.isEmpty == false, rest.first == UInt8(ascii: "/") else { return nil }
        }
        self.authority = authority
        originForm = Array(rest)
        pathLength = originForm.firstIndex(of: UInt8(ascii: "?")) ?? originForm.count
    }

    /// Whether every program reads the path in the same way (contract 4). The target must not have been decoded before.
    package var isUnambiguous: Bool {
        // Of the segment so far, decoded.
        var (count, dots) = (0, 0)
        let end = path.endIndex
        var index = 1
        while index < end {
            var byte = originForm[index]
            switch byte {
            case UInt8(ascii: "/"):
                guard count > 0, !Self.isDots(count, dots) else { return false }
                (count, dots) = (0, 0)
                index += 1
                continue
            case UInt8(ascii: "\\"), UInt8(ascii: ";"): return false
            case UInt8(ascii: "%"):
                guard let decoded = Self.escape(path, index), Self.mayBeEscaped(decoded) else { return false }
                byte = decoded
                index += 3
            default: index += 1
            }
            count += 1
            if byte == UInt8(ascii: ".") { dots += 1 }
        }
        return !Self.isDots(count, dots)
    }

    /// `.` and `..`
    private static func isDots(_ count: Int, _ dots: Int) -> Bool { count == dots && (1...2).contains(dots) }

    /// Escapes that hide a separator, a further escape or a control character are refused.
    private static func mayBeEscaped(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: ";"), 0x00..<0x20, 0x7F: false
        default: true
        }
    }

    /// The byte that the escape at `index` spells; nil when it is none.
    package static func escape(_ text: ArraySlice<UInt8>, _ index: Int) -> UInt8? {
        guard index + 2 < text.endIndex, let high = hex(text[index + 1]), let low = hex(text[index + 2]) else {
            return nil
        }
        return high << 4 | low
    }

    private static func hex(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
