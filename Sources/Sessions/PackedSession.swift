// A session as a record of bytes, for memory alone.

internal import Model

/// Key, hashes, generation, token, fingerprint and state, one after another; lengths in as few bytes as they need. What is looked at
/// often stands apart, in `Times` and in front.
enum PackedSession {
    struct Times: Sendable {
        let expiresAt: Timestamp
        let rotatedAt: Timestamp
        init(_ session: Session) { (expiresAt, rotatedAt) = (session.expiresAt, session.rotatedAt) }
    }

    /// - Parameter newest: the hash of its token.
    static func pack(_ session: Session, _ newest: TokenHash) -> [UInt8] {
        let known = session.token.bytes.count + (session.fingerprint?.bytes.count ?? 0)
        var out = PackedWriter(capacity: known + 24 * session.superseded.count + 96)
        switch session.key {
        case .user(let user):
            out.bytes.append(0)
            out.text(user.bytes)
        case .anonymous(let hash):
            out.bytes.append(1)
            out.text(hash.bytes)
        }
        out.number(UInt64(session.superseded.count + 1))
        newest.append(to: &out.bytes)
        for old in session.superseded { old.hash.append(to: &out.bytes) }
        for old in session.superseded { out.number(UInt64(bitPattern: old.at.milliseconds)) }
        out.number(session.generation)
        out.text(session.token.bytes)
        out.text(session.fingerprint?.bytes ?? [])
        switch session.state {
        case .live: out.bytes.append(0)
        case .unknown(let since):
            out.bytes.append(1)
            out.number(UInt64(bitPattern: since.milliseconds))
        case .dead(.lost): out.bytes.append(2)
        case .dead(.rejected(let refusal)):
            out.bytes.append(3)
            out.number(UInt64(clamping: refusal.status))
            out.text(refusal.contentType)
            out.text(refusal.body)
        }
        return out.bytes
    }

    static func session(_ bytes: [UInt8], _ range: Range<Int>, _ times: Times) -> Session {
        var reader = PackedReader(bytes, range)
        let key = key(&reader)
        let superseded = superseded(&reader)
        let generation = reader.number()
        guard let token = SessionToken(Array(reader.text())) else { preconditionFailure("packed as a token") }
        let fingerprint = DeviceFingerprint(Array(reader.text()))
        return Session(
            key: key, token: token, generation: generation, expiresAt: times.expiresAt, rotatedAt: times.rotatedAt,
            fingerprint: fingerprint, state: state(&reader), superseded: superseded)
    }

    static func generation(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
        var reader = PackedReader(bytes, range)
        _ = skipLineage(&reader)
        return reader.number()
    }

    /// The hash of the newest token, if that is this one.
    static func newest(_ token: SessionToken, _ bytes: [UInt8], _ range: Range<Int>) -> TokenHash? {
        var reader = PackedReader(bytes, range)
        let newest = skipLineage(&reader)
        _ = reader.number()
        return ConstantTime.equal(reader.text(), token.bytes[...]) ? TokenHash(bytes, at: newest) : nil
    }

    /// From the beginning to the generation.
    /// - Returns: where the newest token's hash is.
    private static func skipLineage(_ reader: inout PackedReader) -> Int {
        _ = reader.byte()
        _ = reader.text()
        let count = Int(reader.number())
        let newest = reader.skip(16 * count)
        for _ in 1..<count { _ = reader.number() }
        return newest
    }

    private static func superseded(_ reader: inout PackedReader) -> [Session.Superseded] {
        let count = Int(reader.number()) - 1
        // The first is the newest token's own.
        var hashes = reader.skip(16 * (count + 1)) + 16
        guard count > 0 else { return [] }
        var superseded: [Session.Superseded] = []
        superseded.reserveCapacity(count)
        for _ in 0..<count {
            let at = Timestamp(milliseconds: Int64(bitPattern: reader.number()))
            superseded.append(Session.Superseded(hash: TokenHash(reader.bytes, at: hashes), at: at))
            hashes += 16
        }
        return superseded
    }

    private static func state(_ reader: inout PackedReader) -> Session.State {
        switch reader.byte() {
        case 0: return .live
        case 1: return .unknown(since: Timestamp(milliseconds: Int64(bitPattern: reader.number())))
        case 2: return .dead(.lost)
        default:
            let status = Int(clamping: reader.number())
            let type = Array(reader.text())
            return .dead(.rejected(.init(status: status, contentType: type, body: Array(reader.text()))))
        }
    }

    static func key(_ bytes: [UInt8], _ range: Range<Int>) -> SessionKey {
        var reader = PackedReader(bytes, range)
        return key(&reader)
    }

    private static func key(_ reader: inout PackedReader) -> SessionKey {
        let isUser = reader.byte() == 0
        let bytes = reader.text()
        if isUser, let user = UserKey(Array(bytes)) { return .user(user) }
        guard let hash = TokenHash(bytes) else { preconditionFailure("packed as a key") }
        return .anonymous(hash)
    }

    static func isOf(_ key: SessionKey, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        var reader = PackedReader(bytes, range)
        let isUser = reader.byte() == 0
        let text = reader.text()
        switch key {
        case .user(let user): return isUser && text == user.bytes[...]
        case .anonymous(let hash): return !isUser && TokenHash(bytes, at: text.startIndex) == hash
        }
    }

    /// The newest one first.
    static func hashes(_ bytes: [UInt8], _ range: Range<Int>) -> [TokenHash] {
        var reader = PackedReader(bytes, range)
        _ = reader.byte()
        _ = reader.text()
        let count = Int(reader.number())
        var hashes: [TokenHash] = []
        hashes.reserveCapacity(count)
        for _ in 0..<count { hashes.append(TokenHash(bytes, at: reader.skip(16))) }
        return hashes
    }

    static func holds(_ hash: TokenHash, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        var reader = PackedReader(bytes, range)
        _ = reader.byte()
        _ = reader.text()
        for _ in 0..<reader.number() where TokenHash(bytes, at: reader.skip(16)) == hash { return true }
        return false
    }
}

private struct PackedWriter {
    var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    /// Seven bits a byte, the lowest first.
    mutating func number(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func text(_ text: [UInt8]) {
        number(UInt64(text.count))
        bytes += text
    }
}

/// Reads what the writer wrote; nothing else is ever given to it.
private struct PackedReader {
    let bytes: [UInt8]
    private var at: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) { (self.bytes, at) = (bytes, range.lowerBound) }

    mutating func byte() -> UInt8 {
        defer { at += 1 }
        return bytes[at]
    }

    mutating func number() -> UInt64 {
        var (number, shift): (UInt64, UInt64) = (0, 0)
        while true {
            let byte = byte()
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
    }

    mutating func take(_ count: Int) -> ArraySlice<UInt8> {
        defer { at += count }
        return bytes[at..<at + count]
    }

    /// - Returns: where it was.
    mutating func skip(_ count: Int) -> Int {
        defer { at += count }
        return at
    }

    mutating func text() -> ArraySlice<UInt8> { take(Int(number())) }
}
