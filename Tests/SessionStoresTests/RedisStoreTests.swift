// The shared store on a real server: the scripts against the model, news, failing servers, what stands where.

import FoundationEssentials
import Model
import NIOConcurrencyHelpers
import SessionStores
import TestSupport
import Testing

/// What a store has told, and who waits for it.
private final class Told: Sendable {
    private let kept = NIOLockedValueBox<[String]>([])
    private let gate = Gate()

    var lines: [String] { kept.withLockedValue { $0 } }

    func add(_ line: String) {
        kept.withLockedValue { $0.append(line) }
        gate.signal()
    }

    /// Returns when a line like this has come.
    func wait(for line: String, count: Int = 1) async {
        while true {
            let seen = gate.count
            if lines.filter({ $0 == line }).count >= count { return }
            await gate.wait(for: seen + 1)
        }
    }

    func hear(_ news: StoreNews) {
        switch news {
        case .stored(let stored):
            add("stored \(text(stored.session.token.bytes)) \(stored.unfinished == nil ? "idle" : "begun")")
        case .forgotten(.user(let user)): add("forgotten \(text(user.bytes))")
        case .forgotten: add("forgotten anonymous")
        case .following: add("following")
        case .missing: add("missing")
        case .mayHaveForgotten(let everything): add("may have forgotten \(everything ? "everything" : "something")")
        }
    }

    func hear(_ event: RedisStore.Event) {
        switch event {
        case .trouble(let trouble): add("trouble \(trouble?.rawValue ?? "over")")
        case .damage: add("damage")
        case .mayEvict: add("may evict")
        }
    }
}

@Suite(.serialized, .timeLimit(.minutes(30))) struct RedisStoreTests {
    private func with(
        _ server: RedisServer, key: [UInt8] = .sampleKey, old: [[UInt8]] = [],
        _ change: (inout RedisSettings) -> Void = { _ in },
        _ body: (RedisStore, Told) async throws -> Void
    ) async throws {
        var settings = server.settings
        change(&settings)
        let told = Told()
        let store = try await RedisStore.open(
            settings, key: key, oldKeys: old, clock: ManualClock(), onEvent: told.hear)
        do { try await body(store, told) } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    private func intent(_ session: Session, _ attempt: UInt64, process: UInt64 = 0, limit: Duration = .seconds(30))
        -> RotationIntent
    {
        RotationIntent(
            attempt: AttemptID(high: process, low: attempt), session: session,
            tokenHash: sampleHash(text(session.token.bytes)), limit: limit)
    }

    // MARK: the scripts

    /// Two stores on one server, as two replicas have them, against one model: every call gets the model's answer, in any order.
    @Test func hundredThousandOperations() async throws {
        // Each write with a load and a find.
        let writes = 34_000
        try await RedisServer.with { server in
            try await with(server) { first, _ in
                try await with(server) { second, _ in
                    try await compareWithTheModel([first, second], writes: writes, seed: 20_261_127)
                    print("scripts against the model: \(3 * writes) operations")
                }
            }
        }
    }

    /// Ages are measured by the server: no clock of a replica says when another's attempt is over.
    @Test func anAttemptIsOverByTheServersClock() async throws {
        try await RedisServer.with { server in
            try await with(server) { store, _ in
                let first = try sampleSession()
                _ = try await store.save(first, tokenHash: sampleHash("T0"))
                _ = try await store.begin(intent(first, 1, process: 1, limit: .milliseconds(300)))
                var left = Duration.seconds(1)
                var last = left
                while left > .zero {
                    guard case .held(let unfinished) = try await store.begin(intent(first, 2)) else {
                        Issue.record("not held")
                        return
                    }
                    (last, left) = (left, unfinished.left)
                    #expect(left <= last && left <= .milliseconds(300))
                }
            }
        }
    }

    /// A server that comes back without the last write has an attempt with the token before: it holds up nobody.
    @Test func anAttemptWithAnOlderTokenIsNoHindrance() async throws {
        try await RedisServer.with { server in
            try await with(server) { store, _ in
                let first = try sampleSession()
                _ = try await store.save(first, tokenHash: sampleHash("T0"))
                _ = try await store.begin(intent(first, 1, process: 1))
                let next = try sampleSession("alice", "T1", generation: 2)
                #expect(try await store.begin(intent(next, 2)) == .granted)
            }
        }
    }

    @Test func oneRoundTripForEachOperation() async throws {
        try await RedisServer.with { server in
            try await with(server) { store, _ in
                let first = try sampleSession()
                // The first time a server sees a script it is sent whole.
                for _ in 0..<2 {
                    try await store.forget(first.key)
                    _ = try await store.save(first, tokenHash: sampleHash("T0"))
                    _ = try await store.load(first.key)
                    _ = try await store.find(sampleHash("T0"))
                    let intent = intent(first, 1)
                    _ = try await store.begin(intent)
                    _ = try await store.commit(
                        try sampleSession("alice", "T1", generation: 2), tokenHash: sampleHash("T1"), ending: intent)
                    try await server.command("CONFIG", "RESETSTAT")
                }
                let intent = intent(try sampleSession("alice", "T1", generation: 2), 2)
                let calls: [() async throws -> Void] = [
                    { _ = try await store.load(first.key) }, { _ = try await store.find(sampleHash("T1")) },
                    { _ = try await store.begin(intent) },
                    {
                        _ = try await store.commit(
                            try sampleSession("alice", "T2", generation: 3), tokenHash: sampleHash("T2"),
                            ending: intent)
                    },
                ]
                for call in calls {
                    try await server.command("CONFIG", "RESETSTAT")
                    try await call()
                    let statistics = try await server.command("INFO", "commandstats")
                    #expect(statistics.contains("cmdstat_evalsha:calls=1,"))
                    #expect(!statistics.contains("cmdstat_eval:"))
                }
            }
        }
    }

    // MARK: what stands in the server

    /// No user, token or fingerprint in clear, neither in memory nor on disk; every key of ours, none of them for ever.
    @Test func nothingStandsInClearAndNothingStaysForEver() async throws {
        try await RedisServer.with { server in
            try await with(server) {
                $0.namespace = "tenant.example.com"
            } _: { store, _ in
                let session = try sampleSession("canary-user", "canary-token", old: [sampleHash("old")])
                _ = try await store.save(session, tokenHash: sampleHash("new"))
                _ = try await store.begin(
                    RotationIntent(
                        attempt: AttemptID(high: 0, low: 1), session: session, tokenHash: sampleHash("new")))
                try await store.forget(try .sample("canary-nobody"))
                let keys = try await server.command("--scan").split(separator: "\n").map(String.init)
                #expect(keys.count >= 5)
                for key in keys {
                    #expect(key.hasPrefix("ciam-sidecar/1:tenant.example.com:"), "\(key)")
                }
                // Only the replicas' own keys and the store's name stay.
                let script =
                    "local n = 0 for _, k in ipairs(redis.call('KEYS', '*')) do if redis.call('PTTL', k) == -1 then n = n + 1 end end return n"
                #expect(try await server.command("EVAL", script, "0") == "2\n")
                let lives = "return redis.call('PTTL', redis.call('KEYS', '*:s:*')[1])"
                let life = try #require(Int(try await server.command("EVAL", lives, "0").filter(\.isNumber)))
                #expect((86_400_000...86_500_000).contains(life))
                let files = try FileManager.default.subpathsOfDirectory(atPath: server.folder)
                #expect(files.contains { $0.hasSuffix(".aof") })
                for file in files where file.contains(".aof") {
                    let content = try Data(contentsOf: URL(filePath: server.folder + "/" + file))
                    #expect(content.firstRange(of: Data("canary-user".utf8)) == nil, "\(file)")
                    #expect(content.firstRange(of: Data("canary-token".utf8)) == nil, "\(file)")
                    #expect(content.firstRange(of: Data("fp-canary".utf8)) == nil, "\(file)")
                    #expect(content.firstRange(of: Data("canary-nobody".utf8)) == nil, "\(file)")
                }
            }
        }
    }

    @Test func namespacesDoNotMeet() async throws {
        try await RedisServer.with { server in
            try await with(server) {
                $0.namespace = "a"
            } _: { first, _ in
                try await with(server, key: [UInt8](repeating: 5, count: 32)) {
                    $0.namespace = "b"
                } _: { second, _ in
                    let session = try sampleSession()
                    _ = try await first.save(session, tokenHash: sampleHash("T0"))
                    #expect(try await second.load(session.key) == nil)
                    #expect(try await second.find(sampleHash("T0")) == nil)
                    #expect(first.keys.fingerprint != second.keys.fingerprint)
                }
            }
        }
    }

    /// The keys that fingerprints and lineage hashes are made with: the same on every replica, also when the sealing key changes.
    @Test func replicasShareTheirKeysAndASealingKeyCanBeChanged() async throws {
        let (old, new) = ([UInt8].sampleKey, [UInt8](repeating: 3, count: 32))
        try await RedisServer.with { server in
            let session = try sampleSession()
            try await with(server, key: old) { first, _ in
                _ = try await first.save(session, tokenHash: sampleHash("T0"))
                // Everybody learns the new key, then everybody seals with it, while both are running.
                try await with(server, key: old, old: [new]) { second, _ in
                    #expect(second.keys.fingerprint == first.keys.fingerprint)
                    try await with(server, key: new, old: [old]) { third, _ in
                        #expect(third.keys.fingerprint == first.keys.fingerprint)
                        #expect(third.keys.lineage == first.keys.lineage)
                        #expect(try await third.load(session.key)?.session == session)
                        let next = try sampleSession("alice", "T1", generation: 2)
                        _ = try await third.save(next, tokenHash: sampleHash("T1"))
                        #expect(try await second.load(session.key)?.session == next)
                    }
                }
            }
            try await with(server, key: new) { last, _ in
                let stored = try await last.load(session.key)
                #expect(stored?.session.generation == 2)
            }
            await #expect(throws: StoreOpenError.redis(place: server.settings.text, .wrongKey)) {
                try await with(server, key: old) { _, _ in }
            }
        }
    }

    /// A record that does not open is skipped, told, and written over by the next login.
    @Test func aDamagedRecord() async throws {
        try await RedisServer.with { server in
            try await with(server) { store, told in
                let session = try sampleSession("alice", "T7", generation: 7)
                _ = try await store.save(session, tokenHash: sampleHash("T7"))
                let damage =
                    "local k = redis.call('KEYS', '*:s:*')[1] redis.call('SETRANGE', k, 80, 'XXXX') return 1"
                try await server.command("EVAL", damage, "0")
                #expect(try await store.load(session.key) == nil)
                #expect(told.lines.contains("damage"))
                let login = try sampleSession("alice", "L")
                #expect(try await store.save(login, tokenHash: sampleHash("L")) == .committed)
                #expect(try await store.load(session.key)?.session == login)
                try await server.command("EVAL", damage, "0")
                #expect(try await store.begin(intent(login, 1)) == .granted)
                #expect(try await store.load(session.key)?.session == login)
                // A header that says something else than the record is damage as well.
                try await server.command(
                    "EVAL", "local k = redis.call('KEYS', '*:s:*')[1] redis.call('SETRANGE', k, 7, '\\9') return 1", "0"
                )
                #expect(try await store.load(session.key) == nil)
            }
        }
    }

    /// Every byte of a user's key is an argument's, none the protocol's.
    @Test(arguments: ["a b", "{alice}", "*3", "$5", "alice:s:", "ü", "%0d%0a", String(repeating: "x", count: 256)])
    func strangeUsers(_ user: String) async throws {
        try await RedisServer.with { server in
            try await with(server) { store, _ in
                let session = try sampleSession(user)
                _ = try await store.save(session, tokenHash: sampleHash("T0"))
                #expect(try await store.load(session.key)?.session == session)
                #expect(try await store.find(sampleHash("T0"))?.session.key == session.key)
            }
        }
    }

    // MARK: news

    @Test func everyWriteIsTold() async throws {
        try await RedisServer.with { server in
            try await with(server) { writer, _ in
                try await with(server) { reader, told in
                    reader.follow(told.hear)
                    await told.wait(for: "following")
                    let first = try sampleSession()
                    _ = try await writer.save(first, tokenHash: sampleHash("T0"))
                    await told.wait(for: "stored T0 idle")
                    let intent = intent(first, 1)
                    _ = try await writer.begin(intent)
                    await told.wait(for: "stored T0 begun")
                    let next = try sampleSession("alice", "T1", generation: 2)
                    _ = try await writer.commit(next, tokenHash: sampleHash("T1"), ending: intent)
                    await told.wait(for: "stored T1 idle")
                    let again = self.intent(next, 2)
                    _ = try await writer.begin(again)
                    await told.wait(for: "stored T1 begun")
                    try await writer.abandon(again)
                    await told.wait(for: "stored T1 idle", count: 2)
                    try await writer.forget(first.key)
                    await told.wait(for: "forgotten alice")
                }
            }
        }
    }

    /// When the subscription ends, that is told at once; it comes back by itself, and commands went on all the while.
    @Test func aSubscriptionThatEnds() async throws {
        try await RedisServer.with { server in
            try await with(server) { store, told in
                store.follow(told.hear)
                await told.wait(for: "following")
                try await server.command("CLIENT", "KILL", "TYPE", "pubsub")
                await told.wait(for: "missing")
                _ = try await store.save(try sampleSession(), tokenHash: sampleHash("T0"))
                await told.wait(for: "following", count: 2)
                #expect(!told.lines.contains { $0.hasPrefix("trouble") })
            }
        }
    }

    /// Where publishing to a subscriber is not allowed, the store works and nobody is told anything.
    @Test func withoutTheRightToSubscribe() async throws {
        try await RedisServer.with { server in
            try await server.command("ACL", "SETUSER", "quiet", "on", ">pw", "~*", "resetchannels", "&nothing", "+@all")
            let key = [UInt8].sampleKey
            await #expect(throws: (any Error).self) {
                // Publishing is a part of every write: without it replicas would not hear of each other.
                try await with(server, key: key) {
                    $0.user = bytes("quiet")
                    $0.password = bytes("pw")
                } _: { store, _ in
                    _ = try await store.save(try sampleSession(), tokenHash: sampleHash("T0"))
                }
            }
        }
    }

    /// The rights that the documentation asks for are enough.
    @Test func theDocumentedRightsAreEnough() async throws {
        try await RedisServer.with { server in
            let page = try String(
                contentsOfFile: Repository.root + "/Sources/Sidecar/Documentation.docc/SeveralReplicas.md",
                encoding: .utf8)
            let line = try #require(page.split(separator: "\n").first { $0.hasPrefix("ACL SETUSER") })
            let words = line.split(separator: " ").map { $0 == ">PASSWORD" ? ">pw" : String($0) }
            #expect(try await server.run(words) == "OK\n")
            try await with(server) {
                $0.user = bytes("ciam-sidecar")
                $0.password = bytes("pw")
                $0.database = 0
            } _: { store, told in
                store.follow(told.hear)
                await told.wait(for: "following")
                let first = try sampleSession()
                _ = try await store.save(first, tokenHash: sampleHash("T0"))
                let intent = intent(first, 1)
                _ = try await store.begin(intent)
                _ = try await store.commit(
                    try sampleSession("alice", "T1", generation: 2), tokenHash: sampleHash("T1"), ending: intent)
                _ = try await store.find(sampleHash("T1"))
                try await store.probe()
                try await store.abandon(intent)
                try await store.forget(first.key)
                #expect(store.facts != nil && store.trouble == nil)
            }
        }
    }
}

/// What a shared store does when its server is not as it should be (the table of SeveralReplicas.md).
@Suite(.serialized, .timeLimit(.minutes(30))) struct RedisTroubleTests {
    private func with(
        _ settings: RedisSettings, _ body: (RedisStore, Told) async throws -> Void
    ) async throws {
        let told = Told()
        let store = try await RedisStore.open(settings, key: .sampleKey, clock: ManualClock(), onEvent: told.hear)
        store.follow(told.hear)
        await told.wait(for: "following")
        do { try await body(store, told) } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    private func expect(_ trouble: StoreTrouble, _ body: () async throws -> Void) async {
        await #expect(throws: StoreError.trouble(trouble)) { try await body() }
    }

    private func save(_ store: RedisStore) async throws {
        _ = try await store.save(try sampleSession(), tokenHash: sampleHash("T0"))
    }

    /// Ended and started again: what was asked meanwhile failed at once, what was stored is there.
    @Test func aServerThatGoesAndComesBack() async throws {
        try await RedisServer.with { server in
            try await with(server.settings) { store, told in
                try await save(store)
                await server.kill()
                await told.wait(for: "trouble unreachable")
                await told.wait(for: "missing")
                await expect(.unreachable) { try await store.probe() }
                #expect(store.trouble == .unreachable)
                try await server.start()
                await told.wait(for: "trouble over")
                await told.wait(for: "following", count: 2)
                #expect(try await store.load(try .sample("alice")) != nil)
                // It is not the process that it was: it may not have everything.
                await told.wait(for: "may have forgotten something")
            }
        }
    }

    /// Started again without its files: there is nothing left, not even the keys.
    @Test func aServerThatComesBackEmpty() async throws {
        try await RedisServer.with(["--appendonly", "no"]) { server in
            try await with(server.settings) { store, told in
                try await save(store)
                await server.kill()
                try await server.start()
                await told.wait(for: "may have forgotten everything")
                await told.wait(for: "trouble over")
                #expect(try await store.load(try .sample("alice")) == nil)
                try await save(store)
            }
        }
    }

    /// Emptied while the sealing key is being changed: every replica hands back, the keys in use go with it whatever seals them, and
    /// sidecars with other keys that come first are not taken for ours.
    @Test func anEmptiedServerGetsTheKeysInUse() async throws {
        let (old, new) = ([UInt8].sampleKey, [UInt8](repeating: 3, count: 32))
        func open(_ server: RedisServer, key: [UInt8], old: [[UInt8]]) async throws -> (RedisStore, Told) {
            let told = Told()
            let store = try await RedisStore.open(
                server.settings, key: key, oldKeys: old, clock: ManualClock(), onEvent: told.hear)
            store.follow(told.hear)
            return (store, told)
        }
        try await RedisServer.with(["--appendonly", "no"]) { server in
            await (try open(server, key: old, old: [])).0.close()
            let replicas = [
                try await open(server, key: new, old: [old]), try await open(server, key: old, old: [new]),
            ]
            await server.kill()
            try await server.start()
            for (_, told) in replicas {
                await told.wait(for: "may have forgotten everything")
                await told.wait(for: "trouble over")
            }
            let (last, _) = try await open(server, key: new, old: [old])
            #expect(last.keys.lineage == replicas[0].0.keys.lineage)
            #expect(last.keys.fingerprint == replicas[1].0.keys.fingerprint)
            await last.close()
            // A new sidecar that comes first makes keys of its own: whoever has others in use is not mixed with it.
            _ = try await server.command("FLUSHALL")
            for (store, _) in replicas.dropLast() { await store.close() }
            let (newcomer, _) = try await open(server, key: new, old: [old])
            #expect(newcomer.keys.lineage != replicas[1].0.keys.lineage)
            await server.disconnectOthers(password: server.password)
            await replicas[1].1.wait(for: "trouble foreign")
            await newcomer.close()
            await replicas[1].0.close()
        }
    }

    /// Other secrets: a new connection takes over, and nothing that was asked meanwhile fails.
    @Test func aPasswordThatIsReplacedInterruptsNothing() async throws {
        try await RedisServer.with { server in
            try await with(server.settings) { store, told in
                try await server.command("ACL", "SETUSER", "default", ">another")
                let isOver = NIOLockedValueBox(false)
                async let saving: Int = {
                    var count = 0
                    while !isOver.withLockedValue({ $0 }) {
                        try await save(store)
                        count += 1
                    }
                    return count
                }()
                var settings = server.settings
                for round in 2...6 {
                    settings.password = bytes(round.isMultiple(of: 2) ? "another" : server.password)
                    store.replace(settings)
                    await told.wait(for: "following", count: round)
                }
                isOver.withLockedValue { $0 = true }
                #expect(try await saving > 0)
                #expect(!told.lines.contains { $0.hasPrefix("trouble") })
            }
        }
    }

    /// No connection is free: waited for, at start as well.
    @Test func aServerThatTakesNoMoreConnections() async throws {
        try await RedisServer.with(["--maxclients", "2"]) { server in
            let told = Told()
            let opening = NIOLockedValueBox<Task<RedisStore, any Error>?>(nil)
            try await with(server.settings) { _, _ in
                let settings = server.settings
                opening.withLockedValue {
                    $0 = Task {
                        try await RedisStore.open(settings, key: .sampleKey, clock: ManualClock(), onEvent: told.hear)
                    }
                }
                await told.wait(for: "trouble unreachable")
            }
            let store = try await opening.withLockedValue { $0 }?.value
            #expect(told.lines.contains("trouble over"))
            await store?.close()
        }
    }

    /// A server that does not know AUTH repeats what was said to it; nobody else does.
    @Test func thePasswordIsNotRepeated() async throws {
        let reply = "-ERR unknown command `AUTH`, with args beginning with: `canary-redis-password`\r\n"
        try await withReplyingServer(bytes(reply)) { port in
            var settings = RedisSettings(place: .tcp(host: "127.0.0.1", port: port))
            settings.password = bytes("canary-redis-password")
            do throws(RedisOpenError) {
                _ = try await RedisStore.examine(settings, key: .sampleKey)
                Issue.record("not refused")
            } catch { #expect(!"\(error)".contains("canary")) }
        }
    }

    /// A server that is stopped: nobody waits longer than the timeout, and it goes on by itself.
    @Test func aServerThatIsStopped() async throws {
        try await RedisServer.with { server in
            var settings = server.settings
            settings.timeout = .seconds(3)
            try await with(settings) { store, told in
                server.suspend()
                await expect(.slow) { try await save(store) }
                server.resume()
                await told.wait(for: "trouble over")
                try await save(store)
            }
        }
    }

    @Test func aReplicaTakesNoWrites() async throws {
        try await RedisServer.with { server in
            try await with(server.settings) { store, told in
                try await save(store)
                let port = try await freePort()
                try await server.command("REPLICAOF", "127.0.0.1", "\(port)")
                await expect(.readOnly) { try await store.probe() }
                #expect(store.trouble == .readOnly)
                // Promoted: the next connection finds it so.
                try await server.command("REPLICAOF", "NO", "ONE")
                await told.wait(for: "trouble over")
                try await save(store)
            }
        }
    }

    @Test func aFullServer() async throws {
        try await RedisServer.with { server in
            try await with(server.settings) { store, told in
                try await save(store)
                try await server.command("CONFIG", "SET", "maxmemory", "1")
                await expect(.full) { try await store.probe() }
                #expect(store.trouble == .full)
                // Reads go on, and do not make it look well.
                #expect(try await store.load(try .sample("alice")) != nil)
                #expect(store.trouble == .full)
                try await server.command("CONFIG", "SET", "maxmemory", "0")
                try await store.probe()
                #expect(store.trouble == nil)
            }
        }
    }

    /// As one that cannot write its files (`MISCONF`) or misses its replicas (`NOREPLICAS`) does.
    @Test func aServerThatCannotSave() async throws {
        try await RedisServer.with { server in
            try await with(server.settings) { store, _ in
                try await save(store)
                try await server.command("CONFIG", "SET", "min-replicas-to-write", "1")
                await expect(.notSaving) { try await store.probe() }
                #expect(store.trouble == .notSaving)
                try await server.command("CONFIG", "SET", "min-replicas-to-write", "0")
                try await store.probe()
                #expect(store.trouble == nil)
            }
        }
    }

    @Test func aServerThatIsBusyWithAScript() async throws {
        try await RedisServer.with(["--busy-reply-threshold", "50"]) { server in
            try await with(server.settings) { store, told in
                async let looping = server.command("EVAL", "while true do end", "0")
                while (try? await store.probe()) != nil {}
                await expect(.busy) { try await store.probe() }
                #expect(store.trouble == .busy)
                try await server.command("SCRIPT", "KILL")
                await told.wait(for: "trouble over")
                try await save(store)
                _ = try await looping
            }
        }
    }

    @Test func aServerThatLoads() async throws {
        try await RedisServer.with { server in
            try await with(server.settings) { store, told in
                try await server.command("DEBUG", "POPULATE", "20000")
                try await server.command("CONFIG", "SET", "key-load-delay", "5000")
                try await server.command("CONFIG", "SET", "loading-process-events-interval-bytes", "1024")
                async let loading = server.command("DEBUG", "RELOAD")
                await told.wait(for: "trouble loading")
                try await server.command("CONFIG", "SET", "key-load-delay", "0")
                await told.wait(for: "trouble over")
                try await save(store)
                _ = try await loading
            }
        }
    }

    @Test func aPasswordThatChanges() async throws {
        try await RedisServer.with { server in
            try await with(server.settings) { store, told in
                try await server.command("CONFIG", "SET", "requirepass", "another")
                await server.disconnectOthers(password: "another")
                await told.wait(for: "trouble refused")
                var settings = server.settings
                // Nothing has changed: nothing is interrupted.
                store.replace(settings)
                settings.password = bytes("another")
                store.replace(settings)
                await told.wait(for: "trouble over")
                try await save(store)
                try await server.run(["CONFIG", "SET", "requirepass", server.password], password: "another")
            }
        }
    }

    /// At start, waiting does not help against these.
    @Test func whatEndsTheStart() async throws {
        try await RedisServer.with { server in
            var wrong = server.settings
            wrong.password = bytes("wrong")
            var none = server.settings
            none.password = nil
            var number = server.settings
            number.database = 99
            for (settings, words) in [
                (wrong, "WRONGPASS invalid username-password pair or user is disabled."),
                (none, "NOAUTH Authentication required."), (number, "ERR DB index is out of range"),
            ] {
                await #expect(throws: StoreOpenError.redis(place: settings.text, .refused(words))) {
                    try await with(settings) { _, _ in }
                }
            }
        }
        try await RedisServer.with(["--cluster-enabled", "yes"]) { server in
            await #expect(throws: StoreOpenError.redis(place: server.settings.text, .cluster)) {
                try await with(server.settings) { _, _ in }
            }
        }
        try await RedisServer.with(["--sentinel"]) { server in
            await #expect(throws: StoreOpenError.redis(place: server.settings.text, .sentinel)) {
                try await with(server.settings) { _, _ in }
            }
        }
    }

    /// In the clear over TCP, as on a network of one's own.
    @Test func overTCP() async throws {
        try await RedisServer.with { server in
            var settings = RedisSettings(place: .tcp(host: "127.0.0.1", port: try await server.listen("port")))
            settings.password = bytes(server.password)
            settings.timeout = .seconds(60)
            settings.database = 3
            try await with(settings) { store, _ in
                try await save(store)
                #expect(try await store.load(try .sample("alice")) != nil)
            }
            // Channels are the server's, not the database's: each database has its own.
            #expect(try await server.command("--scan").isEmpty)
            #expect(try await server.command("-n", "3", "--scan", "--pattern", "ciam-sidecar/1:/3:*") != "")
        }
    }

    /// TLS: with its authority, and with a client certificate where one is wanted; without them the start ends.
    @Test(arguments: ["no", "yes"])
    func overTLS(_ clients: String) async throws {
        try await RedisServer.with { server in
            let port = try await server.takeTLS(clients: clients)
            var settings = RedisSettings(place: .tcp(host: "localhost", port: port))
            settings.password = bytes(server.password)
            settings.timeout = .seconds(60)
            settings.tls = RedisSettings.TLS()
            let stranger = settings
            await #expect(throws: StoreOpenError.redis(place: stranger.text, .untrusted)) {
                try await with(stranger) { _, _ in }
            }
            settings.tls?.authorities = server.folder + "/cert.pem"
            let nameless = settings
            settings.tls?.clientCertificate = (server.folder + "/cert.pem", server.folder + "/key.pem")
            try await with(settings) { store, _ in
                try await save(store)
                #expect(try await store.load(try .sample("alice")) != nil)
            }
            if clients == "yes" {
                await #expect(throws: StoreOpenError.redis(place: nameless.text, .untrusted)) {
                    try await with(nameless) { _, _ in }
                }
            } else {
                try await with(nameless) { store, _ in try await save(store) }
            }
            // Another name than the certificate's.
            var elsewhere = RedisSettings(place: .tcp(host: "127.0.0.1", port: port))
            elsewhere.tls = settings.tls
            elsewhere.password = settings.password
            let wrongName = elsewhere
            await #expect(throws: StoreOpenError.redis(place: wrongName.text, .untrusted)) {
                try await with(wrongName) { _, _ in }
            }
        }
    }

    @Test func aServerThatMayThrowSessionsAway() async throws {
        try await RedisServer.with(["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]) { server in
            try await with(server.settings) { _, told in #expect(told.lines.contains("may evict")) }
        }
    }

    /// What is no Redis: refused without a crash, a wait for ever or a gigabyte of memory.
    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n\r\n", "$536870912\r\nabc", "*1000000000\r\n", "$-2\r\n", "*-5\r\n", ":12x\r\n",
        "\r\n", "+OK",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
    ])
    func nonsense(_ reply: String) async throws {
        try await withReplyingServer(bytes(reply)) { port in
            var settings = RedisSettings(place: .tcp(host: "127.0.0.1", port: port))
            settings.timeout = .milliseconds(500)
            await #expect(throws: RedisOpenError.self) { _ = try await RedisStore.examine(settings, key: .sampleKey) }
        }
    }
}
