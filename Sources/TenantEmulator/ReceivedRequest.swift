// A request as it came off the wire, whole and unchanged.

/// One header field, name and value exactly as received.
package struct HeaderField: Equatable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    package func isNamed(_ other: String) -> Bool {
        sameIgnoringCase(name.utf8, other.utf8)
    }
}

package struct ReceivedRequest: Equatable, Sendable {
    package let method: String
    /// The request target up to the first `?`, undecoded.
    package let path: String
    /// What follows the first `?`, undecoded; nil without one.
    package let query: String?
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
    package let protocolName: String
    package let headers: [HeaderField]
    package let body: [UInt8]

    package init(
        method: String, target: String, protocolName: String = "HTTP/1.1", headers: [HeaderField] = [],
        body: [UInt8] = []
    ) {
        self.method = method
        let parts = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        self.path = String(decoding: Array(parts[0]), as: UTF8.self)
        self.query = parts.count > 1 ? String(decoding: Array(parts[1]), as: UTF8.self) : nil
        self.protocolName = protocolName
        self.headers = headers
        self.body = body
    }

    /// Every value of that field, in order.
    package func values(_ name: String) -> [String] {
        headers.filter { $0.isNamed(name) }.map(\.value)
    }

    package var bodyText: String {
        String(decoding: body, as: UTF8.self)
    }

    /// Whether the one Content-Type is this media type, parameters aside.
    package func hasContentType(_ mediaType: String) -> Bool {
        let found = values("content-type")
        guard found.count == 1, let first = found.first else { return false }
        var type = Array(first.utf8.prefix { $0 != UInt8(ascii: ";") })
        while type.last == UInt8(ascii: " ") { type.removeLast() }
        return sameIgnoringCase(type, Array(mediaType.utf8))
    }
}
