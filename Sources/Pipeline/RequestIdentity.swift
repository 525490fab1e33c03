// The names of a request, the same in the app's log, ours and the tenant's.

internal import Model
internal import Synchronization

/// What a request is called.
struct RequestIdentity: Sendable {
    /// `X-Request-Id`
    let requestID: [UInt8]
    /// Nil until something is sent, or is to be written to the access log.
    var trace: TraceContext?

    init(_ fields: HeaderFields) { requestID = RequestID.of(fields) }
}

/// `X-Request-Id`: the app's own if it is one field of 1–128 visible ASCII characters, else 32 hexadecimal digits: 16 that are random
/// for this process and 16 that count. A name has to be new, not secret, and the system's random numbers cost a call each.
private enum RequestID {
    private static let process = UInt64.random(in: .min ... .max)
    private static let count = Atomic<UInt64>(0)

    static func of(_ fields: HeaderFields) -> [UInt8] {
        if case .once(let sent) = fields.occurrence(.requestID), (1...128).contains(sent.count),
            sent.allSatisfy(VisibleASCII.contains)
        {
            return Array(sent)
        }
        var id = [UInt8](repeating: 0, count: 32)
        Hexadecimal.write(process, to: &id, at: 0)
        Hexadecimal.write(count.wrappingAdd(1, ordering: .relaxed).newValue, to: &id, at: 16)
        return id
    }
}
