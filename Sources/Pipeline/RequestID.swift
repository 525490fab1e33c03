// The name of a request, the same in the app's log, ours and the tenant's.

internal import Model

/// `X-Request-Id`: the app's own if it is one field of 1–128 visible ASCII characters, else 32 random hexadecimal digits.
enum RequestID {
    static func of(_ fields: HeaderFields) -> [UInt8] {
        let sent = fields.values(.requestID)
        if sent.count == 1, (1...128).contains(sent[0].count), sent[0].allSatisfy(VisibleASCII.contains) {
            return Array(sent[0])
        }
        var id: [UInt8] = []
        id.reserveCapacity(32)
        for _ in 0..<2 {
            var bits = UInt64.random(in: .min ... .max)
            for _ in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: bits & 0x0F)
                id.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
                bits >>= 4
            }
        }
        return id
    }
}
