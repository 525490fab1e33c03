// Which tokens a SQLite store knows of a session after a long time, what that costs a rotation, and files of an earlier version.

import FoundationEssentials
import Model
import SessionStores
import TestSupport
import Testing

struct SQLiteLineageTests {
    /// Rows of the lineage that nothing would remove: their session does not list them.
    private static let unlisted = """
        SELECT count(*) FROM lineage AS row
        WHERE NOT EXISTS (SELECT 1 FROM session WHERE name = row.name AND instr(hashes, row.hash))
        AND NOT EXISTS (SELECT 1 FROM lineage_part WHERE name = row.name AND instr(hashes, row.hash))
        """

    /// Lists that are no row of whole hashes. What SQLite puts together is text, which ends at a zero for some tools.
    private static let broken = """
        SELECT count(*) FROM (SELECT hashes FROM session UNION ALL SELECT hashes FROM lineage_part)
        WHERE typeof(hashes) <> 'blob' OR length(hashes) % 16 <> 0
        """

    private func expectWholeLists(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try sqliteNumber(path, Self.unlisted) == 0, sourceLocation: sourceLocation)
        #expect(try sqliteNumber(path, Self.broken) == 0, sourceLocation: sourceLocation)
    }

    private func rows(_ path: String) throws -> Int {
        try sqliteNumber(path, "SELECT (SELECT count(*) FROM lineage) + (SELECT count(*) FROM lineage_part)")
    }

    /// Rotations, tokens from elsewhere, logins that bring back an old token, and logouts, of three users, in any order.
    @Test func everyHashOfALongLineageIsKnownAndListed() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            var model = StoreModel()
            var random = SeededGenerator(seed: 20_261_201)
            var tokens: [String] = []
            for step in 0..<9000 {
                let user = ["alice", "bob", "carol"][step % 3]
                let known = model.load(try .sample(user), at: .sample)?.session
                let generation = (known?.generation ?? 0) + 1
                let old = Array((known?.superseded ?? []).suffix(3).map(\.hash))
                let newest = known.map { [sampleHash(String(decoding: $0.token.bytes, as: UTF8.self))] } ?? []
                var name = "\(step)"
                switch Int.random(in: 0..<400, using: &random) {
                case 0 where user == "carol":
                    try await store.forget(try .sample(user))
                    model.forget(try .sample(user))
                    continue
                case 1...9: name = tokens.suffix(3000).randomElement(using: &random) ?? name
                case 10...100:
                    let presented = try sampleSession("anonymous", "E\(step)", generation: 0)
                    let intent = RotationIntent(
                        attempt: AttemptID(high: 0, low: UInt64(step)), session: presented,
                        tokenHash: sampleHash("E\(step)"), owner: try .sample(user))
                    let next = try sampleSession(
                        user, name, generation: generation, old: old + newest + [sampleHash("E\(step)")])
                    #expect(try await store.begin(intent) == model.begin(intent, at: .sample))
                    #expect(
                        try await store.commit(next, tokenHash: sampleHash(name), ending: intent)
                            == model.commit(next, tokenHash: sampleHash(name), ending: intent))
                    tokens += [name, "E\(step)"]
                    continue
                default: break
                }
                tokens.append(name)
                let next = try sampleSession(user, name, generation: generation, old: old + newest)
                if let known, step % 2 == 0 {
                    let intent = RotationIntent(
                        attempt: AttemptID(high: 0, low: UInt64(step)), session: known,
                        tokenHash: try #require(newest.first))
                    #expect(try await store.begin(intent) == model.begin(intent, at: .sample))
                    #expect(
                        try await store.commit(next, tokenHash: sampleHash(name), ending: intent)
                            == model.commit(next, tokenHash: sampleHash(name), ending: intent))
                } else {
                    #expect(
                        try await store.save(next, tokenHash: sampleHash(name))
                            == model.save(next, tokenHash: sampleHash(name)))
                }
            }
            var found = 0
            for token in Set(tokens) {
                guard let expected = model.find(sampleHash(token), at: .sample) else { continue }
                #expect(try await store.find(sampleHash(token)) == expected, "\(token)")
                found += 1
            }
            #expect(found > 2000, "\(found)")
            await store.close()
            try expectWholeLists(path)
            // A generation may have two hashes.
            #expect(try sqliteNumber(path, "SELECT count(*) FROM lineage") < 3 * 2 * (1024 + 64))
            let again = try SQLiteStore(path: path, key: nil)
            for user in ["alice", "bob", "carol", "anonymous"] { try await again.forget(try .sample(user)) }
            await again.close()
            #expect(try rows(path) == 0)
        }
    }

    /// A login may bring back a token that is listed among the old ones already: it is as young as any from then on.
    @Test func aTokenThatCameBackOutlivesItsOldPlace() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            for number in 1...2200 {
                let name = number == 900 ? "T3" : "T\(number)"
                _ = try await store.save(
                    try sampleSession("alice", name, generation: UInt64(number)), tokenHash: sampleHash(name))
                guard number == 1200 || number == 1900 else { continue }
                #expect(try await store.find(sampleHash("T2")) == nil)
                #expect(try await store.find(sampleHash("T3")) != nil, "\(number)")
            }
            #expect(try await store.find(sampleHash("T3")) == nil)
            await store.close()
            try expectWholeLists(path)
        }
    }

    @Test func aNewKeyTakesTheLineageAlong() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let (first, second) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
            let before = try SQLiteStore(path: path, key: first)
            for number in 1...40 {
                _ = try await before.save(
                    try sampleSession("alice", "T\(number)", generation: UInt64(number)),
                    tokenHash: sampleHash("T\(number)"))
            }
            await before.close()
            let after = try SQLiteStore(path: path, key: second, oldKeys: [first])
            for number in [1, 16, 17, 32, 40] {
                #expect(try await after.find(sampleHash("T\(number)"))?.session.generation == 40, "\(number)")
            }
            try await after.forget(.sample("alice"))
            await after.close()
            #expect(try rows(path) == 0)
        }
    }

    /// A session that nobody had named has many tokens, and turns out to be a user's who has few: they are removed when the user's are.
    @Test func aLineageThatIsHandedOverGrowsOldWithItsNewOne() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            func rotate(_ user: String, _ name: String, _ generation: UInt64) async throws -> Session {
                let session = try sampleSession(user, name, generation: generation)
                #expect(try await store.save(session, tokenHash: sampleHash(name)) == .committed)
                return session
            }
            for number in 1...1999 { _ = try await rotate("nobody", "N\(number)", UInt64(number)) }
            let last = try await rotate("nobody", "N2000", 2000)
            _ = try await rotate("alice", "T1", 1)
            let intent = RotationIntent(
                attempt: AttemptID(high: 0, low: 1), session: last, tokenHash: sampleHash("N2000"),
                owner: try .sample("alice"))
            #expect(try await store.begin(intent) == .granted)
            let next = try sampleSession("alice", "T2", generation: 2, old: [sampleHash("N2000")])
            #expect(try await store.commit(next, tokenHash: sampleHash("T2"), ending: intent) == .committed)
            for token in ["N1500", "N2000", "T1", "T2"] {
                #expect(try await store.find(sampleHash(token))?.session == next, "\(token)")
            }
            for number in 3...1200 { _ = try await rotate("alice", "T\(number)", UInt64(number)) }
            #expect(try await store.find(sampleHash("N2000")) == nil)
            await store.close()
            try expectWholeLists(path)
            #expect(try (1025...1060).contains(sqliteNumber(path, "SELECT count(*) FROM lineage")))
        }
    }

    /// A tenant that only makes a session longer: nothing grows.
    @Test func theSameTokenAgainIsListedOnce() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            for generation: UInt64 in [5, 16] {
                let session = try sampleSession("alice", "T\(generation)", generation: generation)
                let hash = sampleHash("T\(generation)")
                _ = try await store.save(session, tokenHash: hash)
                for attempt: UInt64 in 1...100 {
                    let intent = RotationIntent(
                        attempt: AttemptID(high: 0, low: attempt), session: session, tokenHash: hash)
                    #expect(try await store.begin(intent) == .granted)
                    #expect(try await store.commit(session, tokenHash: hash, ending: intent) == .committed)
                }
            }
            await store.close()
            #expect(
                try sqliteNumber(
                    path, "SELECT (SELECT length(hashes) FROM session) + (SELECT sum(length(hashes)) FROM lineage_part)"
                )
                    == 2 * 16)
            try expectWholeLists(path)
        }
    }

    /// A session whose record is damaged begins anew, with the tokens of its life before: they grow old like any others.
    @Test func aLifeBeforeADamagedRecordIsRemovedToo() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            func rotate(_ life: String, _ generations: ClosedRange<UInt64>) async throws {
                let store = try SQLiteStore(path: path, key: nil)
                for number in generations {
                    let session = try sampleSession("alice", "\(life)\(number)", generation: number)
                    _ = try await store.save(session, tokenHash: sampleHash("\(life)\(number)"))
                }
                await store.close()
            }
            try await rotate("A", 1...500)
            try await sqlite(path, "UPDATE session SET record = zeroblob(100)")
            try await rotate("B", 1...1100)
            try expectWholeLists(path)
            try await rotate("B", 1101...1700)
            try expectWholeLists(path)
            #expect(try (1025...1060).contains(sqliteNumber(path, "SELECT count(*) FROM lineage")))
        }
    }

    @Test func aFirstPresentationMakesNoPart() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            let presented = try sampleSession("anonymous", "E", generation: 0)
            let intent = RotationIntent(
                attempt: AttemptID(high: 0, low: 1), session: presented, tokenHash: sampleHash("E"))
            #expect(try await store.begin(intent) == .granted)
            await store.close()
            #expect(try sqliteNumber(path, "SELECT count(*) FROM lineage_part") == 0)
        }
    }

    /// A record that is left behind under an old key is in nobody's way when that key comes back.
    @Test func aKeyThatComesBack() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let (first, second) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
            for (key, old, token) in [(first, [], "A"), (second, [first], "B"), (first, [second], "C")] {
                let store = try SQLiteStore(path: path, key: key, oldKeys: old)
                if token == "C" { #expect(try await store.load(.sample("alice"))?.session.token == .sample("B")) }
                _ = try await store.save(
                    try sampleSession("alice", token, generation: token == "C" ? 2 : 1), tokenHash: sampleHash(token))
                await store.close()
                if token == "A" { try await sqlite(path, "UPDATE session SET record = zeroblob(100)") }
            }
            try expectWholeLists(path)
            #expect(try sqliteNumber(path, "SELECT count(*) FROM session") == 1)
        }
    }

    /// A page of the session, of its place by end, and of the hash each, whatever the number of sessions: what a rotation costs.
    @Test func aRotationWritesFewPages() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            for number in 0..<1000 {
                _ = try await store.save(
                    try sampleSession("user\(number)", "T\(number)"), tokenHash: sampleHash("\(number)T"))
            }
            await store.close()
            let again = try SQLiteStore(path: path, key: nil)
            let first = try sampleSession("user500", "T500")
            let intent = RotationIntent(
                attempt: AttemptID(high: 0, low: 1), session: first, tokenHash: sampleHash("500T"))
            var pages: [Int] = []
            func count() throws {
                let size = try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int
                pages.append((try #require(size) - 32) / (4096 + 24) - pages.reduce(0, +))
            }
            #expect(try await again.begin(intent) == .granted)
            try count()
            var next = try sampleSession("user500", "U", generation: 2, old: [sampleHash("500T")])
            next.expiresAt = .sample + .seconds(200)
            #expect(try await again.commit(next, tokenHash: sampleHash("U"), ending: intent) == .committed)
            try count()
            // By end: from one place to another, which may be two pages.
            #expect(pages[0] == 1 && (3...4).contains(pages[1]), "\(pages)")
            await again.close()
        }
    }

    private func makeVersion1(_ path: String) async throws {
        let store = try SQLiteStore(path: path, key: nil)
        for number in 1...1300 {
            let user = "user\(number % 2)"
            _ = try await store.save(
                try sampleSession(user, "T\(number)", generation: UInt64(number)), tokenHash: sampleHash("T\(number)"))
        }
        await store.close()
        try await sqlite(
            path,
            """
            DROP TABLE lineage_part; ALTER TABLE session DROP COLUMN hashes;
            CREATE INDEX lineage_by_name ON lineage (name, generation); PRAGMA user_version = 1
            """)
    }

    /// With every session and every old token; what is forgotten afterwards leaves nothing.
    @Test func aFileOfVersion1IsBroughtUpToDate() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            try await makeVersion1(path)
            #expect(throws: StoreOpenError.wrongKey(path: path)) {
                try SQLiteStore(path: path, key: [UInt8](repeating: 7, count: 32))
            }
            #expect(try sqliteNumber(path, "PRAGMA user_version") == 1)
            let store = try SQLiteStore(path: path, key: nil)
            #expect(try sqliteNumber(path, "SELECT max(length(hashes)) FROM session") <= 16 * 16)
            for number in [302, 303, 1000, 1299, 1300] {
                let user = try SessionKey.sample("user\(number % 2)")
                #expect(try await store.find(sampleHash("T\(number)"))?.session.key == user, "\(number)")
            }
            #expect(try await store.load(.sample("user0"))?.session.token == .sample("T1300"))
            // What was brought is removed when it is old enough, and with its session.
            for number in 1301...3000 {
                _ = try await store.save(
                    try sampleSession("user0", "T\(number)", generation: UInt64(number)),
                    tokenHash: sampleHash("T\(number)"))
            }
            #expect(try await store.find(sampleHash("T1300")) == nil)
            #expect(try await store.find(sampleHash("T2000")) != nil)
            try await store.forget(.sample("user1"))
            await store.close()
            try expectWholeLists(path)
            #expect(try (1025...1100).contains(sqliteNumber(path, "SELECT count(*) FROM lineage")))
        }
    }

    /// Nothing is changed in a file that cannot be brought up to date.
    @Test func aFileThatCannotBeBroughtUpToDateStaysAsItWas() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            try await makeVersion1(path)
            // The index is what is dropped last.
            try await sqlite(path, "DROP INDEX lineage_by_name")
            #expect(throws: StoreOpenError.self) { try SQLiteStore(path: path, key: nil) }
            #expect(try sqliteNumber(path, "PRAGMA user_version") == 1)
            #expect(try sqliteNumber(path, "SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%hashes%'") == 0)
            try await sqlite(path, "CREATE INDEX lineage_by_name ON lineage (name, generation)")
            let store = try SQLiteStore(path: path, key: nil)
            #expect(try await store.find(sampleHash("T1299")) != nil)
            await store.close()
        }
    }
}
