// The first words on a connection: who we are, who the server is, and the keys that all replicas share.

internal import Model

/// What is said before a connection is used.
struct RedisHandshake: Sendable {
    var settings: RedisSettings
    let seals: [RecordSeal]
    /// What an empty store is given.
    var firstKeys: StoreKeys
    /// Whether the process uses `firstKeys` already: it can do with no others.
    var isBound = false

    /// - Parameters:
    ///   - key: 32 bytes; what is written is sealed with it.
    ///   - oldKeys: what is there may be sealed with these as well.
    init(_ settings: RedisSettings, key: [UInt8], oldKeys: [[UInt8]]) {
        self.settings = settings
        seals = ([key] + oldKeys).map { RecordSeal(master: $0) }
        firstKeys = RecordSeal.firstKeys(master: key)
    }

    struct Result: Sendable {
        let facts: RedisFacts?
        let keys: StoreKeys
        /// Another one when the store has lost everything since.
        let birth: [UInt8]
    }

    private static let secretName = Array("secret".utf8)

    /// Signs in and takes the database.
    func enter(_ connection: RedisConnection) async throws(RedisOpenError) -> RedisFacts? {
        if let password = settings.password {
            let reply = try await answer(
                RedisCommand([Array("AUTH".utf8)] + (settings.user.map { [$0] } ?? []) + [password]), connection)
            // One that does not know the command repeats its arguments.
            if case .error(let fault) = reply {
                throw Self.refusal(fault.isCode("ERR") && !fault.isFull ? RedisFault(fault.code) : fault)
            }
        }
        if settings.database > 0 { _ = try await say(RedisCommand("SELECT", "\(settings.database)"), connection) }
        // A name for whoever looks at CLIENT LIST; nothing depends on it.
        _ = try await answer(RedisCommand("CLIENT", "SETNAME", "ciam-sidecar"), connection)
        let info = try await answer(RedisCommand("INFO"), connection)
        switch info {
        case .bytes(let bytes): return try Self.judged(RedisFacts(bytes))
        // Not everybody may ask, and not every service answers; then it is found out by what follows.
        case .error(let fault) where !fault.isFull && (fault.isCode("NOPERM") || fault.isCode("ERR")): return nil
        case .error(let fault): throw Self.refusal(fault)
        default: throw .trouble(.broken)
        }
    }

    private static func judged(_ facts: RedisFacts) throws(RedisOpenError) -> RedisFacts {
        if facts.mode == "sentinel" { throw .refused(.sentinel) }
        if facts.mode == "cluster" { throw .refused(.cluster) }
        if facts.version < (6, 2) { throw .refused(.tooOld(facts.product)) }
        if facts.isReplica { throw .trouble(.readOnly) }
        return facts
    }

    /// The shared keys, made by whoever comes first, sealed anew when the sealing key has changed.
    func keys(_ connection: RedisConnection, _ facts: RedisFacts?) async throws(RedisOpenError) -> Result {
        guard let seal = seals.first,
            let fresh = seal.seal(firstKeys.lineage + firstKeys.fingerprint, name: Self.secretName)
        else { throw .trouble(.broken) }
        let (sealed, birth) = try await swap([], fresh, connection)
        guard let keys = seals.lazy.compactMap({ $0.open(sealed, name: Self.secretName) }).first, keys.count == 64
        else {
            throw .refused(.wrongKey)
        }
        if seal.open(sealed, name: Self.secretName) == nil, let resealed = seal.seal(keys, name: Self.secretName) {
            _ = try await swap(sealed, resealed, connection)
        }
        let stored = StoreKeys(lineage: Array(keys[..<32]), fingerprint: Array(keys[32...]))
        if isBound, stored.lineage != firstKeys.lineage { throw .refused(.wrongKey) }
        return Result(facts: facts, keys: stored, birth: birth)
    }

    private func swap(_ expected: [UInt8], _ wanted: [UInt8], _ connection: RedisConnection)
        async throws(RedisOpenError) -> (secret: [UInt8], birth: [UInt8])
    {
        let arguments = [expected, wanted, RandomBytes.make(16)]
        let command = RedisScript.secret.command(settings.keyPrefix, arguments, isWhole: true)
        guard let parts = try await say(command, connection).elements, parts.count == 2, let secret = parts[0].bytes,
            let birth = parts[1].bytes
        else { throw .trouble(.broken) }
        return (secret, birth)
    }

    /// Hears of every change from now on.
    func subscribe(_ connection: RedisConnection) async throws(RedisOpenError) {
        _ = try await say(
            RedisCommand([Array("SUBSCRIBE".utf8), settings.keyPrefix + Array("changed".utf8)]), connection)
    }

    private func answer(_ command: RedisCommand, _ connection: RedisConnection) async throws(RedisOpenError)
        -> RedisReply
    {
        do throws(StoreTrouble) { return try await connection.send(command) } catch {
            throw error == .untrusted ? .refused(.untrusted) : .trouble(error)
        }
    }

    private func say(_ command: RedisCommand, _ connection: RedisConnection) async throws(RedisOpenError) -> RedisReply
    {
        let reply = try await answer(command, connection)
        if case .error(let fault) = reply { throw Self.refusal(fault) }
        return reply
    }

    private static func refusal(_ fault: RedisFault) -> RedisOpenError {
        switch fault.trouble {
        // An unknown command or a number of a database that is not there: waiting does not help.
        case .refused, .broken: .refused(.refused(fault.text))
        default: .trouble(fault.trouble)
        }
    }
}
