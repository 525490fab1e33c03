// Sessions in a Redis or Valkey server that several replicas share.

package import Model
internal import NIOConcurrencyHelpers

/// `redis://`, `rediss://`, `redis+unix://` (contract 9): compare-and-set on generation and attempt by server-side scripts, ages by the
/// server's clock, records sealed, and every write told to all replicas.
package final class RedisStore: SessionStore {
    /// What an operator wants to hear of.
    package enum Event: Sendable {
        /// It cannot be used, and why; nil when it can again.
        case trouble(StoreTrouble?)
        /// A record that does not open was skipped.
        case damage
        /// A server that may throw sessions away.
        case mayEvict
    }

    /// Ended sessions are kept for a day.
    private static let afterlife = Duration.seconds(86_400)

    private struct State {
        var told: (@Sendable (StoreNews) -> Void)?
        var isFollowing = false
        var facts: RedisFacts?
        /// Of the store that was connected to last.
        var birth: [UInt8]?
    }

    package let keys: StoreKeys
    package let isShared = true
    private let seals: [RecordSeal]
    /// Names stay the same when the sealing key changes.
    private let naming: RecordSeal
    private let clock: any WallClock
    private let link: RedisLink
    private let onEvent: @Sendable (Event) -> Void
    private let state: NIOLockedValueBox<State>
    private let running = NIOLockedValueBox<Task<Void, Never>?>(nil)

    /// Connects and waits until the server can be used.
    /// - Parameters:
    ///   - key: 32 bytes that seal the records, the same on every replica.
    ///   - oldKeys: keys that the records may be sealed with as well.
    ///   - onEvent: must not wait.
    /// - Throws: `.redis` when waiting does not help; `.cancelled` when the task is.
    package static func open(
        _ settings: RedisSettings, key: [UInt8], oldKeys: [[UInt8]] = [], clock: any WallClock,
        onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) async throws(StoreOpenError) -> RedisStore {
        let handshake = RedisHandshake(settings, key: key, oldKeys: oldKeys)
        let later = NIOLockedValueBox<RedisStore?>(nil)
        let link = RedisLink(handshake) { event in later.withLockedValue { $0 }?.heard(event) }
        var last: StoreTrouble?
        while true {
            do throws(RedisOpenError) {
                let (connection, result) = try await link.open()
                if last != nil { onEvent(.trouble(nil)) }
                let store = RedisStore(result, handshake.seals, clock, link, onEvent)
                later.withLockedValue { $0 = store }
                link.stand(connection, result)
                store.running.withLockedValue { $0 = Task { await link.run(connection, result) } }
                return store
            } catch {
                if case .refused(let refusal) = error { throw .redis(place: settings.text, refusal) }
                if error.trouble != last { onEvent(.trouble(error.trouble)) }
                last = error.trouble
                guard (try? await Task.sleep(for: .milliseconds(.random(in: 250...750)))) != nil else {
                    throw .cancelled
                }
            }
        }
    }

    /// Looks once whether the server can be used and takes a write.
    /// - Returns: what it says of itself; nil when we may not ask.
    package static func examine(_ settings: RedisSettings, key: [UInt8], oldKeys: [[UInt8]] = [])
        async throws(RedisOpenError) -> RedisFacts?
    {
        let handshake = RedisHandshake(settings, key: key, oldKeys: oldKeys)
        let (connection, result) = try await RedisLink(handshake) { _ in }.open()
        defer { connection.close() }
        do throws(StoreTrouble) {
            if case .error(let fault) = try await connection.send(probe(settings.keyPrefix)) { throw fault.trouble }
        } catch { throw .trouble(error) }
        return result.facts
    }

    private init(
        _ first: RedisHandshake.Result, _ seals: [RecordSeal], _ clock: any WallClock, _ link: RedisLink,
        _ onEvent: @escaping @Sendable (Event) -> Void
    ) {
        (keys, self.seals, self.clock, self.link, self.onEvent) = (first.keys, seals, clock, link, onEvent)
        naming = RecordSeal(master: first.keys.lineage)
        state = NIOLockedValueBox(State())
    }

    package var trouble: StoreTrouble? { link.trouble }

    /// What the server said of itself; nil when we may not ask.
    package var facts: RedisFacts? { state.withLockedValue(\.facts) }

    package func follow(_ told: @escaping @Sendable (StoreNews) -> Void) {
        let isFollowing = state.withLockedValue { state in
            state.told = told
            return state.isFollowing
        }
        told(isFollowing ? .following : .missing)
    }

    /// Other secrets and certificates, over new connections.
    package func replace(_ settings: RedisSettings) { link.replace(settings) }

    /// Ends the connections; what is asked from then on fails.
    package func close() async {
        let task = running.withLockedValue { $0 }
        task?.cancel()
        await task?.value
    }

    // MARK: news

    private func heard(_ event: RedisLink.Event) {
        switch event {
        case .trouble(let trouble): onEvent(.trouble(trouble))
        case .connected(let result): connected(result)
        case .following: tell(.following, isFollowing: true)
        case .missing: tell(.missing, isFollowing: false)
        case .message(let bytes):
            switch RedisMessage(bytes) {
            case .stored(let name, let row): if let stored = stored(row, name) { tell(.stored(stored)) }
            case .forgotten(let sealed): if let key = openKey(sealed) { tell(.forgotten(key)) }
            case nil: break
            }
        }
    }

    private func tell(_ news: StoreNews, isFollowing: Bool? = nil) {
        let told = state.withLockedValue { state in
            if let isFollowing { state.isFollowing = isFollowing }
            return state.told
        }
        told?(news)
    }

    private func connected(_ result: RedisHandshake.Result) {
        let (birth, isOther, mayEvict) = state.withLockedValue { state in
            defer { (state.facts, state.birth) = (result.facts, result.birth) }
            let isOther = result.facts == nil || result.facts?.runID != state.facts?.runID
            return (state.birth, isOther, result.facts?.mayEvict == true && state.facts?.mayEvict != true)
        }
        if mayEvict { onEvent(.mayEvict) }
        guard let birth else { return }
        let isEmpty = birth != result.birth
        if isEmpty || isOther { tell(.mayHaveForgotten(everything: isEmpty)) }
    }

    // MARK: rows

    private func name(_ key: SessionKey) -> [UInt8] { Array(naming.name(of: key).prefix(16)) }

    private func stored(_ row: RedisRow, _ name: [UInt8]) -> StoredSession? {
        guard let session = row.session(name, seals) else {
            onEvent(.damage)
            return nil
        }
        return StoredSession(session: session, unfinished: row.attempt)
    }

    private static let keyName = Array("key".utf8)

    private func sealedKey(_ key: SessionKey) throws(StoreError) -> [UInt8] {
        guard let sealed = seals[0].seal(SessionRecord.encode(key), name: Self.keyName) else {
            throw .failed(operation: "seal", code: 0)
        }
        return sealed
    }

    private func openKey(_ sealed: [UInt8]) -> SessionKey? {
        for seal in seals {
            if let plain = seal.open(sealed, name: Self.keyName) { return SessionRecord.decodeKey(plain) }
        }
        return nil
    }

    /// The arguments that make up a session (`session(i)` in the scripts).
    private func arguments(_ session: Session, _ hash: TokenHash) throws(StoreError) -> [[UInt8]] {
        let name = name(session.key)
        guard let sealed = seals[0].seal(SessionRecord.encode(session), name: name) else {
            throw .failed(operation: "seal", code: 0)
        }
        let life = max(session.remaining(at: clock.now()), .zero) + Self.afterlife
        return [
            name, Self.number(session.generation), Self.number(session.state.progress), hash.bytes,
            Self.number(life.wholeMilliseconds), sealed,
        ] + session.superseded.suffix(2).map(\.hash.bytes)
    }

    private static func number(_ value: some BinaryInteger) -> [UInt8] { Array(String(value).utf8) }

    /// Of a reply `{…, row, now}` from `index` on. Nil for none; a row that is no row is damage.
    private func read(_ reply: RedisReply, at index: Int) -> RedisRow? {
        guard let parts = reply.elements, parts.count > index + 1, let bytes = parts[index].bytes,
            let now = parts[index + 1].integer
        else { return nil }
        let row = RedisRow(bytes, now: now)
        if row == nil { onEvent(.damage) }
        return row
    }

    private func word(_ reply: RedisReply) -> String {
        reply.elements?.first?.bytes.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    // MARK: the port

    package func load(_ key: SessionKey) async throws(StoreError) -> StoredSession? {
        let name = name(key)
        let reply = try await link.run(.load, [name], isWrite: false)
        return read(reply, at: 0).flatMap { stored($0, name) }
    }

    package func find(_ hash: TokenHash) async throws(StoreError) -> StoredSession? {
        let reply = try await link.run(.find, [hash.bytes], isWrite: false)
        guard let row = read(reply, at: 0), let name = reply.elements?.last?.bytes else { return nil }
        return stored(row, name)
    }

    package func begin(_ intent: RotationIntent) async throws(StoreError) -> BeginOutcome {
        let session = try arguments(intent.session, intent.tokenHash)
        var damaged: [UInt8] = []
        while true {
            let reply = try await link.run(
                .begin,
                [
                    intent.attempt.bytes, Self.number(intent.limit.wholeMilliseconds), intent.takesOver?.bytes ?? [],
                    damaged,
                ] + session, isWrite: true)
            if word(reply) == "granted" { return .granted }
            guard let row = read(reply, at: 1) else { return .moved(nil) }
            if word(reply) == "held", let attempt = row.attempt { return .held(attempt) }
            if let known = stored(row, session[0]) { return .moved(known.session) }
            // What cannot be read is written over, once.
            guard row.sealed != damaged else { return .moved(nil) }
            damaged = row.sealed
        }
    }

    package func commit(_ session: Session, tokenHash: TokenHash, ending intent: RotationIntent)
        async throws(StoreError) -> CommitOutcome
    {
        let reply = try await link.run(
            .commit,
            [intent.attempt.bytes, name(intent.key), session.key == intent.key ? [] : try sealedKey(intent.key)]
                + arguments(session, tokenHash), isWrite: true)
        if word(reply) == "committed" { return .committed }
        return .fenced(read(reply, at: 1).flatMap { stored($0, name(session.key)) }?.session)
    }

    package func abandon(_ intent: RotationIntent) async throws(StoreError) {
        _ = try await link.run(
            .abandon, [intent.attempt.bytes, name(intent.key), try sealedKey(intent.key)], isWrite: true)
    }

    package func save(_ session: Session, tokenHash: TokenHash) async throws(StoreError) -> CommitOutcome {
        let arguments = try arguments(session, tokenHash)
        var damaged: [UInt8] = []
        while true {
            let reply = try await link.run(.save, [damaged] + arguments, isWrite: true)
            if word(reply) == "committed" { return .committed }
            guard let row = read(reply, at: 1) else { return .fenced(nil) }
            if let known = stored(row, arguments[0]) { return .fenced(known.session) }
            guard row.sealed != damaged else { return .fenced(nil) }
            damaged = row.sealed
        }
    }

    package func forget(_ key: SessionKey) async throws(StoreError) {
        _ = try await link.run(.forget, [name(key), try sealedKey(key)], isWrite: true)
    }

    /// The server forgets by itself: a session a day after its end, and its tokens with it.
    package func sweep(endedBefore end: Timestamp, limit: Int) async throws(StoreError) -> [SessionKey] { [] }

    package func probe() async throws(StoreError) {
        _ = try await link.send(Self.probe(link.keyPrefix), isWrite: true)
    }

    private static func probe(_ prefix: [UInt8]) -> RedisCommand {
        RedisCommand([
            Array("SET".utf8), prefix + Array("probe".utf8), Array("1".utf8), Array("PX".utf8), Array("60000".utf8),
        ])
    }
}
