// What the scripts answer and tell, read back into sessions.

internal import Model

/// A row as the scripts keep it (RedisScripts tells the layout).
struct RedisRow: Sendable {
    /// How many bytes stand before the sealed record.
    static let headerLength = 49

    let attempt: UnfinishedAttempt?
    let sealed: [UInt8]
    /// What stands in clear and has to be what the record says.
    private let generation: UInt64
    private let progress: UInt8

    /// - Parameter now: the server's time in milliseconds.
    /// Nil for bytes that are no row.
    init?(_ bytes: [UInt8], now: Int64) {
        guard bytes.count > Self.headerLength else { return nil }
        var reader = RecordReader(bytes: Array(bytes.prefix(Self.headerLength)))
        guard let generation = reader.number(), let progress = reader.byte(), let until = reader.number(),
            let high = reader.number(), let low = reader.number()
        else { return nil }
        let left = Duration.milliseconds(max(0, Int64(clamping: until) - now))
        attempt = until > 0 ? UnfinishedAttempt(attempt: AttemptID(high: high, low: low), left: left) : nil
        (self.generation, self.progress) = (generation, progress)
        sealed = Array(bytes.dropFirst(Self.headerLength))
    }

    /// The session; nil when the record does not open, or is not the one that its row speaks of.
    func session(_ name: [UInt8], _ seals: [RecordSeal]) -> Session? {
        for seal in seals {
            guard let plain = seal.open(sealed, name: name) else { continue }
            guard let session = SessionRecord.decode(plain), session.generation == generation,
                session.state.progress == progress
            else { return nil }
            return session
        }
        return nil
    }
}

/// What came over the channel.
enum RedisMessage: Sendable {
    case stored(name: [UInt8], RedisRow)
    case forgotten(sealedKey: [UInt8])

    init?(_ bytes: [UInt8]) {
        switch bytes.first {
        case UInt8(ascii: "f"): self = .forgotten(sealedKey: Array(bytes.dropFirst()))
        case UInt8(ascii: "s") where bytes.count > 25:
            var reader = RecordReader(bytes: Array(bytes[17..<25]))
            guard let now = reader.number(), let row = RedisRow(Array(bytes.dropFirst(25)), now: Int64(clamping: now))
            else { return nil }
            self = .stored(name: Array(bytes[1..<17]), row)
        default: return nil
        }
    }
}
