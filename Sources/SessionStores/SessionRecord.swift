// A session as bytes: version 1 of the record that stores keep.

internal import Model

/// A compact, versioned form of a session with its key. All numbers are big-endian; lengths are checked when read.
enum SessionRecord {
    private static let version: UInt8 = 1

    static func encode(_ session: Session) -> [UInt8] {
        var out = RecordWriter()
        out.byte(version)
        write(session.key, &out)
        out.number(session.generation)
        out.number(UInt64(bitPattern: session.expiresAt.milliseconds))
        out.number(UInt64(bitPattern: session.rotatedAt.milliseconds))
        out.text(session.token.bytes)
        out.text(session.fingerprint?.bytes ?? [])
        out.byte(UInt8(session.superseded.count))
        for old in session.superseded {
            out.hash(old.hash)
            out.number(UInt64(bitPattern: old.at.milliseconds))
        }
        switch session.state {
        case .live: out.byte(0)
        case .unknown(let since):
            out.byte(1)
            out.number(UInt64(bitPattern: since.milliseconds))
        case .dead(.lost): out.byte(2)
        case .dead(.rejected(let refusal)):
            out.byte(3)
            out.number(UInt64(clamping: refusal.status))
            out.text(refusal.contentType)
            out.text(refusal.body)
        }
        return out.bytes
    }

    private static func write(_ key: SessionKey, _ out: inout RecordWriter) {
        switch key {
        case .user(let user):
            out.byte(0)
            out.text(user.bytes)
        case .anonymous(let hash):
            out.byte(1)
            out.hash(hash)
        }
    }

    /// A key alone.
    static func encode(_ key: SessionKey) -> [UInt8] {
        var out = RecordWriter()
        write(key, &out)
        return out.bytes
    }

    /// Nil when the bytes are no key.
    static func decodeKey(_ bytes: [UInt8]) -> SessionKey? {
        var reader = RecordReader(bytes: bytes)
        let key = key(&reader)
        return reader.isAtEnd ? key : nil
    }

    /// Nil when the bytes are not a whole record of a known version.
    static func decode(_ bytes: [UInt8]) -> Session? {
        var reader = RecordReader(bytes: bytes)
        guard reader.byte() == version, let key = key(&reader), let generation = reader.number(),
            let expires = reader.number(),
            let rotated = reader.number(), let token = reader.text().flatMap({ SessionToken($0) }),
            let fingerprint = reader.text(), let count = reader.byte()
        else { return nil }
        var superseded: [Session.Superseded] = []
        superseded.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let hash = reader.hash(), let at = reader.number() else { return nil }
            superseded.append(.init(hash: hash, at: Timestamp(milliseconds: Int64(bitPattern: at))))
        }
        guard let state = state(&reader), reader.isAtEnd else { return nil }
        return Session(
            key: key, token: token, generation: generation,
            expiresAt: Timestamp(milliseconds: Int64(bitPattern: expires)),
            rotatedAt: Timestamp(milliseconds: Int64(bitPattern: rotated)), fingerprint: DeviceFingerprint(fingerprint),
            state: state, superseded: superseded)
    }

    private static func key(_ reader: inout RecordReader) -> SessionKey? {
        switch (reader.byte(), reader.text()) {
        case (0, .some(let bytes)): UserKey(bytes).map { .user($0) }
        case (1, .some(let bytes)): TokenHash(bytes).map { .anonymous($0) }
        default: nil
        }
    }

    private static func state(_ reader: inout RecordReader) -> Session.State? {
        switch reader.byte() {
        case 0: return .live
        case 1: return reader.number().map { .unknown(since: Timestamp(milliseconds: Int64(bitPattern: $0))) }
        case 2: return .dead(.lost)
        case 3:
            guard let status = reader.number(), let type = reader.text(), let body = reader.text() else { return nil }
            return .dead(.rejected(.init(status: Int(clamping: status), contentType: type, body: body)))
        default: return nil
        }
    }
}

/// Appends numbers and length-prefixed texts.
struct RecordWriter {
    private(set) var bytes: [UInt8] = []
    init() { bytes.reserveCapacity(512) }
    mutating func byte(_ value: UInt8) { bytes.append(value) }
    mutating func number(_ value: UInt64) { bytes.append(bigEndian: value) }
    mutating func text(_ value: [UInt8]) {
        number(UInt64(value.count))
        bytes += value
    }
    /// As the text of its bytes.
    mutating func hash(_ value: TokenHash) {
        number(16)
        value.append(to: &bytes)
    }
}

/// Reads what `RecordWriter` wrote; every read is nil once the bytes run out.
struct RecordReader {
    let bytes: [UInt8]
    private var at = 0
    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { at == bytes.count }

    mutating func byte() -> UInt8? {
        guard at < bytes.count else { return nil }
        defer { at += 1 }
        return bytes[at]
    }
    mutating func number() -> UInt64? {
        guard bytes.count - at >= 8 else { return nil }
        defer { at += 8 }
        return bytes.bigEndian(at: at)
    }
    mutating func text() -> [UInt8]? {
        guard let count = number(), count <= UInt64(bytes.count - at) else { return nil }
        defer { at += Int(count) }
        return Array(bytes[at..<at + Int(count)])
    }
    mutating func hash() -> TokenHash? {
        guard number() == 16, bytes.count - at >= 16 else { return nil }
        defer { at += 16 }
        return TokenHash(bytes, at: at)
    }
}
