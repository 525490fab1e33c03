// The trace that a request belongs to (W3C Trace Context, level 1).

internal import Model

/// An app's own trace goes on as it is; a request without one starts one, so that the tenant's log, ours and the app's can be laid side
/// by side.
struct TraceContext: Sendable {
    /// 32 hexadecimal digits.
    let traceID: [UInt8]
    /// What is sent as `traceparent`.
    let parent: [UInt8]
    /// Whether the app sent one that is valid; if it did not, its `tracestate` is dropped as well.
    let isTheApps: Bool

    /// `00-<32 digits>-<16 digits>-<2 digits>`: what a later version may add behind that is not understood here.
    static let length = 55

    init(_ fields: HeaderFields, random: () -> UInt64 = { .random(in: 1 ... .max) }) {
        let sent = fields.values(.traceparent)
        if sent.count == 1, let id = Self.traceID(Array(sent[0])) {
            (traceID, parent, isTheApps) = (id, Array(sent[0]), true)
            return
        }
        let id = Self.digits(random()) + Self.digits(random())
        traceID = id
        // Not sampled: nobody here records spans.
        parent = Array("00-".utf8) + id + [UInt8(ascii: "-")] + Self.digits(random()) + Array("-00".utf8)
        isTheApps = false
    }

    private static func traceID(_ parent: [UInt8]) -> [UInt8]? {
        guard parent.count >= length, parent[2] == 0x2D, parent[35] == 0x2D, parent[52] == 0x2D,
            isHexadecimal(parent[0..<2]), isHexadecimal(parent[3..<35]), isHexadecimal(parent[36..<52]),
            isHexadecimal(parent[53..<55]), parent[3..<35].contains(where: { $0 != 0x30 }),
            parent[36..<52].contains(where: { $0 != 0x30 }), !parent[0..<2].elementsEqual("ff".utf8)
        else { return nil }
        let isVersion0 = parent[0..<2].elementsEqual("00".utf8)
        guard isVersion0 ? parent.count == length : parent.count == length || parent[length] == 0x2D else { return nil }
        return Array(parent[3..<35])
    }

    /// Lower case only, as the specification has it.
    private static func isHexadecimal(_ digits: ArraySlice<UInt8>) -> Bool {
        digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private static func digits(_ number: UInt64) -> [UInt8] {
        stride(from: UInt64(60), through: 0, by: -4).map { shift in
            let digit = UInt8(truncatingIfNeeded: number >> shift & 0x0F)
            return digit < 10 ? 0x30 + digit : 0x57 + digit
        }
    }
}
