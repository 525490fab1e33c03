// The trace that a request belongs to (W3C Trace Context, level 1).

internal import Model
internal import Synchronization

/// An app's own trace goes on as it is; a request without one starts one, so that the tenant's log, ours and the app's can be laid side
/// by side.
struct TraceContext: Sendable {
    /// What is sent as `traceparent`.
    let parent: [UInt8]
    /// 32 hexadecimal digits.
    var traceID: ArraySlice<UInt8> { parent[3..<35] }
    /// Whether the app sent one that is valid; if it did not, its `tracestate` is dropped as well.
    let isTheApps: Bool

    /// `00-<32 digits>-<16 digits>-<2 digits>`: what a later version may add behind that is not understood here.
    static let length = 55

    init(_ fields: HeaderFields) {
        if case .once(let sent) = fields.occurrence(.traceparent) {
            let parent = Array(sent)
            if Self.isValid(parent) {
                (self.parent, isTheApps) = (parent, true)
                return
            }
        }
        // Not sampled: nobody here records spans.
        var text = Array("00-00000000000000000000000000000000-0000000000000000-00".utf8)
        Hexadecimal.write(Self.unique(), to: &text, at: 3)
        Hexadecimal.write(Self.unique(), to: &text, at: 19)
        Hexadecimal.write(Self.unique(), to: &text, at: 36)
        (parent, isTheApps) = (text, false)
    }

    /// New and well spread, not secret, never zero: the system's random numbers cost a call each (SplitMix64).
    private static func unique() -> UInt64 {
        var word = seed &+ count.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return max(1, word ^ (word >> 31))
    }
    private static let seed = UInt64.random(in: .min ... .max)
    private static let count = Atomic<UInt64>(0)

    private static func isValid(_ parent: [UInt8]) -> Bool {
        guard parent.count >= length, parent[2] == 0x2D, parent[35] == 0x2D, parent[52] == 0x2D,
            isHexadecimal(parent[0..<2]), isHexadecimal(parent[3..<35]), isHexadecimal(parent[36..<52]),
            isHexadecimal(parent[53..<55]), parent[3..<35].contains(where: { $0 != 0x30 }),
            parent[36..<52].contains(where: { $0 != 0x30 }), !parent[0..<2].elementsEqual("ff".utf8)
        else { return false }
        let isVersion0 = parent[0..<2].elementsEqual("00".utf8)
        return parent.count == length || (!isVersion0 && parent[length] == 0x2D)
    }

    /// Lower case only, as the specification has it.
    private static func isHexadecimal(_ digits: ArraySlice<UInt8>) -> Bool {
        digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
