// What a Redis server says, as a value.

/// One reply of RESP2.
enum RedisReply: Sendable, Equatable {
    case null
    case integer(Int64)
    case bytes([UInt8])
    case array([RedisReply])
    case error(RedisFault)

    var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
    var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    var elements: [RedisReply]? { if case .array(let elements) = self { elements } else { nil } }
}

/// A reply that says no. Redis puts a code before its words: `READONLY You can't write against a read only replica.`
struct RedisFault: Error, Sendable, Equatable {
    let code: [UInt8]
    /// The whole line for the log, visible ASCII and at most 200 bytes of it.
    let text: String

    init(_ line: [UInt8]) {
        code = Array(line.prefix { $0 != 0x20 })
        let shown = line.prefix(200).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        text = String(decoding: shown, as: UTF8.self)
    }

    func isCode(_ name: String) -> Bool { code.elementsEqual(name.utf8) }
}
