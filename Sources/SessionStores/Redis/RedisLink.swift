// Keeps a connection for commands and one for news, and makes them anew when they end.

internal import Model
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// The way to the server. While there is none, whoever asks is told so at once.
final class RedisLink: Sendable {
    /// What becomes of it.
    enum Event: Sendable {
        case connected(RedisHandshake.Result)
        case following
        case missing
        case message([UInt8])
        case trouble(StoreTrouble?)
    }

    private struct State {
        var handshake: RedisHandshake
        var connection: RedisConnection?
        var trouble: StoreTrouble?
        /// Takes over from the connection that is in use.
        var next: (connection: RedisConnection, result: RedisHandshake.Result)?
        /// Ends the use of a connection.
        var over: EventLoopPromise<Void>?
        /// Counts the times that settings were replaced: the last one counts.
        var replacements = 0
    }

    private let state: NIOLockedValueBox<State>
    /// Nobody is told that news come once the connection for commands has ended.
    private let ending = NIOLock()
    private let loop: any EventLoop
    private let told: @Sendable (Event) -> Void

    /// - Parameter told: hears of everything, in order; must not wait.
    init(_ handshake: RedisHandshake, told: @escaping @Sendable (Event) -> Void) {
        state = NIOLockedValueBox(State(handshake: handshake))
        loop = MultiThreadedEventLoopGroup.singleton.next()
        self.told = told
    }

    var trouble: StoreTrouble? { state.withLockedValue(\.trouble) }
    private var settings: RedisSettings { state.withLockedValue(\.handshake.settings) }
    var keyPrefix: [UInt8] { settings.keyPrefix }

    /// Other secrets and certificates from the next connection on, which is made now if they may have changed. Where it can be
    /// made, nothing is interrupted: what is under way is answered over the one before.
    func replace(_ settings: RedisSettings) {
        let number: Int? = state.withLockedValue { state in
            let known = state.handshake.settings
            if known.user == settings.user, known.password == settings.password, settings.tls == nil { return nil }
            state.handshake.settings = settings
            state.replacements += 1
            return state.replacements
        }
        if let number { Task { await change(number) } }
    }

    private func change(_ number: Int) async {
        let opened = try? await open()
        let (connection, over): (RedisConnection?, EventLoopPromise<Void>?) = state.withLockedValue { state in
            guard state.replacements == number else { return (opened?.0, nil) }
            guard let opened else { return (state.connection, nil) }
            defer { state.next = opened }
            return (state.next?.connection, state.over)
        }
        connection?.close()
        over?.succeed()
    }

    /// One connection for commands, ready to be used.
    func open() async throws(RedisOpenError) -> (RedisConnection, RedisHandshake.Result) {
        let handshake = state.withLockedValue(\.handshake)
        let connection: RedisConnection
        do throws(StoreTrouble) { connection = try await .connect(handshake.settings, on: loop) } catch {
            throw error == .untrusted ? .refused(.untrusted) : .trouble(error)
        }
        do throws(RedisOpenError) {
            let facts = try await handshake.enter(connection)
            return (connection, try await handshake.keys(connection, facts))
        } catch {
            connection.close()
            throw error
        }
    }

    /// Takes a connection into use.
    func stand(_ connection: RedisConnection, _ result: RedisHandshake.Result) {
        // Before anybody may ask: what the store has lost is handed back first.
        told(.connected(result))
        state.withLockedValue { state in
            state.connection = connection
            // A store that is emptied gets the keys that are in use, whatever key seals them by then.
            (state.handshake.firstKeys, state.handshake.isBound) = (result.keys, true)
        }
        note(nil, of: connection)
    }

    /// Keeps it up until the task is cancelled.
    /// - Parameter first: the connection that stands already.
    func run(_ first: RedisConnection, _ result: RedisHandshake.Result) async {
        await use(first, result.facts)
        var failures = 0
        while !Task.isCancelled {
            do throws(RedisOpenError) {
                let (connection, result) = if let next = takeNext() { next } else { try await open() }
                failures = 0
                stand(connection, result)
                await use(connection, result.facts)
            } catch {
                note(error.trouble, of: nil)
                failures += 1
                await pause(after: failures)
            }
        }
        takeNext()?.connection.close()
    }

    private func takeNext() -> (connection: RedisConnection, result: RedisHandshake.Result)? {
        state.withLockedValue { state in
            defer { state.next = nil }
            return state.next
        }
    }

    /// From 100 ms to 5 s, with half of it left to chance: many sidecars do not come back in step.
    private func pause(after failures: Int) async {
        let longest = min(100 << min(failures - 1, 6), 5000)
        try? await Task.sleep(for: .milliseconds(Int.random(in: longest / 2...longest)))
    }

    /// Until it ends or another one takes over.
    private func use(_ connection: RedisConnection, _ facts: RedisFacts?) async {
        let following = Task { await follow(connection, facts) }
        let beating = Task {
            await beat(connection) { result in
                switch result {
                case .success(.error(let fault)): heed(fault, connection)
                case .success: if [.busy, .slow].contains(trouble) { note(nil, of: connection) }
                case .failure(let trouble): note(trouble, of: connection)
                }
            }
        }
        let over = loop.makePromise(of: Void.self)
        let isReplaced = state.withLockedValue { state in
            state.over = over
            return state.next != nil
        }
        if isReplaced { over.succeed() }
        await connection.ended(or: over)
        beating.cancel()
        following.cancel()
        // The other connection may take its time to end; nobody waits for it.
        ending.withLock {
            let isReplaced = state.withLockedValue { state in
                if state.next == nil { state.connection = nil }
                return state.next != nil
            }
            told(.missing)
            if !isReplaced, trouble == nil { note(.unreachable, of: nil) }
        }
        // What is under way over it is answered by then, or fails.
        loop.scheduleTask(in: .milliseconds(settings.timeout.wholeMilliseconds)) { connection.close() }
    }

    /// A connection over which nothing is said may have been dead for hours: without an answer it ends itself.
    private func beat(_ connection: RedisConnection, _ heard: (Result<RedisReply, StoreTrouble>) -> Void) async {
        while true {
            try? await Task.sleep(for: .seconds(1))
            guard !Task.isCancelled else { return }
            do throws(StoreTrouble) { heard(.success(try await connection.send(RedisCommand("PING")))) } catch {
                heard(.failure(error))
            }
        }
    }

    /// The second connection. Without it everything works, only that reads go to the server.
    /// - Parameters:
    ///   - commands: the connection for commands; news count as long as it stands.
    ///   - facts: of the server that takes the commands: news of another one are worth nothing.
    private func follow(_ commands: RedisConnection, _ facts: RedisFacts?) async {
        var failures = 0
        while !Task.isCancelled {
            let handshake = state.withLockedValue(\.handshake)
            let told = told
            let heard: @Sendable (RedisReply) -> Void = { reply in
                if let parts = reply.elements, parts.count == 3, let text = parts[2].bytes { told(.message(text)) }
            }
            if let connection = try? await RedisConnection.connect(handshake.settings, on: loop, heard: heard) {
                let theirs = try? await handshake.enter(connection)
                let isSame = theirs?.runID == facts?.runID
                if isSame, (try? await handshake.subscribe(connection)) != nil {
                    failures = 0
                    ending.withLock { if !Task.isCancelled, isCurrent(commands) { told(.following) } }
                    let beating = Task { await beat(connection) { _ in } }
                    await connection.ended()
                    beating.cancel()
                    ending.withLock { if isCurrent(commands) { told(.missing) } }
                }
                connection.close()
            }
            failures += 1
            if !Task.isCancelled { await pause(after: failures) }
        }
    }

    private func isCurrent(_ connection: RedisConnection) -> Bool {
        state.withLockedValue { $0.connection === connection }
    }

    /// - Parameter connection: where it was found out; what an earlier one tells late says nothing. Nil when there is none.
    private func note(_ trouble: StoreTrouble?, of connection: RedisConnection?) {
        let isNew = state.withLockedValue { state in
            guard state.connection === connection else { return false }
            defer { state.trouble = trouble }
            return state.trouble != trouble
        }
        if isNew { told(.trouble(trouble)) }
    }

    private func heed(_ fault: RedisFault, _ connection: RedisConnection) {
        note(fault.trouble, of: connection)
        if fault.asksToReconnect { connection.close() }
    }

    /// One round trip; two the first time that a server sees a script.
    func run(_ script: RedisScript, _ arguments: [[UInt8]], isWrite: Bool) async throws(StoreError) -> RedisReply {
        let prefix = keyPrefix
        let reply = try await send(script.command(prefix, arguments), isWrite: isWrite)
        guard case .error(let fault) = reply, fault.isCode("NOSCRIPT") else { return reply }
        return try await send(script.command(prefix, arguments, isWhole: true), isWrite: isWrite)
    }

    /// - Returns: no error but NOSCRIPT.
    func send(_ command: RedisCommand, isWrite: Bool) async throws(StoreError) -> RedisReply {
        let (connection, known) = state.withLockedValue { ($0.connection, $0.trouble) }
        guard let connection else { throw .trouble(known ?? .unreachable) }
        let reply: RedisReply
        do throws(StoreTrouble) { reply = try await connection.send(command) } catch {
            note(error, of: connection)
            throw .trouble(error)
        }
        if case .error(let fault) = reply, !fault.isCode("NOSCRIPT") {
            heed(fault, connection)
            throw .trouble(fault.trouble)
        }
        // A server that is full or cannot save answers reads all the same.
        if isWrite, known != nil { note(nil, of: connection) }
        return reply
    }
}
