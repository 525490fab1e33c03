// Reading the tenant's address.

internal import Model

extension TenantOrigin {
    /// Why an address is refused.
    struct AddressFault: Error { let problem: String }

    /// `scheme://host[:port]` with nothing behind it but a single `/`.
    static func read(_ text: String) -> Result<TenantOrigin, AddressFault> {
        func fault(_ problem: String) -> Result<TenantOrigin, AddressFault> { .failure(AddressFault(problem: problem)) }
        let bytes = Array(text.utf8)
        guard bytes.allSatisfy(VisibleASCII.contains) else {
            return fault("holds white space or characters beyond ASCII")
        }
        let scheme: String
        let rest: ArraySlice<UInt8>
        if bytes.starts(with: "https://".utf8) {
            (scheme, rest) = ("https", bytes[8...])
        } else if bytes.starts(with: "http://".utf8) {
            (scheme, rest) = ("http", bytes[7...])
        } else {
            return fault("must begin with https://")
        }
        var authority = rest
        if authority.last == UInt8(ascii: "/") { authority.removeLast() }
        if authority.contains(UInt8(ascii: "@")) { return fault("must not hold a user or password") }
        if authority.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") })
        {
            return fault("must end after the host or port: no path, query or fragment")
        }
        var host = authority
        var port = scheme == "https" ? 443 : 80
        if let colon = authority.lastIndex(of: UInt8(ascii: ":")),
            authority[colon...].firstIndex(of: UInt8(ascii: "]")) == nil
        {
            guard let number = ASCII.decimal(authority[(colon + 1)...]), (1...65_535).contains(number) else {
                return fault("has a port that is no number from 1 to 65535")
            }
            (host, port) = (authority[..<colon], number)
        }
        let bracketed = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]")
        let isName = host.allSatisfy { byte in
            let low = ASCII.lowered(byte)
            return (low >= 0x61 && low <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: ".")
                || (bracketed && [UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ":")].contains(byte))
        }
        guard !host.isEmpty, isName else { return fault("has no valid host name") }
        return .success(
            TenantOrigin(scheme: scheme, host: String(decoding: host.map(ASCII.lowered), as: UTF8.self), port: port))
    }
}
