// The wall to hiredis: bytes to replies, and arguments to bytes.

internal import CHiredis
internal import Model

/// Reads replies from a stream of bytes. Belongs to one event loop; `close` gives its memory back.
@safe struct RedisReader {
    /// A reply that is longer is a broken one: nothing that is stored comes near.
    private static let longest = 16 << 20

    private var reader: UnsafeMutablePointer<redisReader>?

    init() { unsafe reader = chiredis_reader_make() }

    /// - Throws: `.broken` when the bytes are no replies; nothing can be read from then on.
    func feed(_ bytes: UnsafeRawBufferPointer) throws(StoreTrouble) {
        guard let reader = unsafe reader, let start = bytes.baseAddress else { return }
        let status = unsafe redisReaderFeed(
            reader, start.assumingMemoryBound(to: CChar.self), bytes.count)
        let waiting = unsafe chiredis_reader_waiting(reader)
        guard status == REDIS_OK, waiting <= Self.longest else { throw .broken }
    }

    /// The next whole reply; nil until more bytes have come.
    func next() throws(StoreTrouble) -> RedisReply? {
        guard let reader = unsafe reader else { throw .broken }
        var found: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(reader, &found) == REDIS_OK else { throw .broken }
        guard let found = unsafe found else { return nil }
        defer { unsafe freeReplyObject(found) }
        return unsafe Self.value(found.assumingMemoryBound(to: redisReply.self).pointee)
    }

    /// May be called more than once.
    mutating func close() {
        if let reader = unsafe reader { unsafe chiredis_reader_free(reader) }
        unsafe reader = nil
    }

    private static func value(_ reply: redisReply) -> RedisReply {
        func text() -> [UInt8] {
            unsafe Array(UnsafeRawBufferPointer(start: reply.str, count: Int(reply.len)))
        }
        switch unsafe reply.type {
        case REDIS_REPLY_INTEGER: return unsafe .integer(Int64(reply.integer))
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: return .bytes(text())
        case REDIS_REPLY_ERROR: return .error(RedisFault(text()))
        case REDIS_REPLY_ARRAY:
            return .array(
                unsafe (0..<Int(reply.elements)).map { index in
                    guard let element = unsafe reply.element[index] else { return .null }
                    return unsafe value(element.pointee)
                })
        default: return .null
        }
    }
}

/// A command with its arguments, each counted: no byte in an argument means anything.
struct RedisCommand: Sendable {
    let arguments: [[UInt8]]

    init(_ arguments: [[UInt8]]) { self.arguments = arguments }
    init(_ words: String...) { arguments = words.map { Array($0.utf8) } }

    /// As it goes over the wire; empty without memory.
    var wire: [UInt8] {
        let flat = arguments.flatMap { $0 }
        let lengths = arguments.map(\.count)
        return unsafe flat.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return [] }
            var start = 0
            var pointers: [UnsafePointer<CChar>?] = unsafe lengths.map { length in
                defer { start += length }
                return unsafe (base + start).assumingMemoryBound(to: CChar.self)
            }
            var target: UnsafeMutablePointer<CChar>?
            let count = unsafe redisFormatCommandArgv(&target, Int32(pointers.count), &pointers, lengths)
            guard count > 0, let target = unsafe target else { return [] }
            defer { unsafe redisFreeCommand(target) }
            return unsafe Array(UnsafeRawBufferPointer(start: target, count: Int(count)))
        }
    }
}
