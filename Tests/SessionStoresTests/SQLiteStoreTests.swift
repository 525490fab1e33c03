// The SQLite store as a file: restart, owner, key, modes, and what stands in it.

import FoundationEssentials
import Model
import SessionStores
import TestSupport
import Testing

struct SQLiteStoreTests {
    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func everythingSurvivesARestart() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let session = try sampleSession("alice", "T1", generation: 2, old: [sampleHash("T0")])
            let before = try SQLiteStore(path: path, key: nil)
            _ = try await before.save(session, tokenHash: sampleHash("T1"))
            _ = try await before.begin(
                RotationIntent(
                    attempt: AttemptID(high: 1, low: 2), session: session, tokenHash: sampleHash("T1")))
            let keys = before.keys
            await before.close()
            let after = try SQLiteStore(path: path, key: nil)
            let stored = try #require(try await after.find(sampleHash("T0")))
            #expect(stored.session == session && stored.unfinished?.attempt == AttemptID(high: 1, low: 2))
            #expect(after.keys.lineage == keys.lineage && after.keys.fingerprint == keys.fingerprint)
            await after.close()
        }
    }

    @Test func filesAreTheOwnersAlone() async throws {
        try await withTestFolder { folder in
            let path = folder + "/state/deep/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            _ = try await store.save(try sampleSession(), tokenHash: sampleHash("T0"))
            for suffix in ["", "-wal", "-shm", ".lock", ".key"] {
                #expect(try mode(path + suffix) == 0o600, "\(suffix)")
            }
            #expect(try mode(folder + "/state/deep") == 0o700)
            await store.close()
        }
    }

    /// 16 MB, and then it begins again.
    @Test func theLogHasALimit() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            var longest = 0
            for number in 1...1500 {
                let session = try sampleSession("user\(number % 50)", "T\(number)", generation: UInt64(number))
                _ = try await store.save(session, tokenHash: sampleHash("T\(number)"))
                let size = try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int
                longest = max(longest, try #require(size))
            }
            let page = 4096 + 24
            #expect((3990 * page...4100 * page).contains(longest), "\(longest)")
            await store.close()
        }
    }

    @Test func aSecondOwnerIsToldTheFirstOnesPid() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            let pid = ProcessInfo.processInfo.processIdentifier
            #expect(throws: StoreOpenError.owned(path: path + ".lock", pid: pid)) {
                try SQLiteStore(path: path, key: nil)
            }
            await store.close()
        }
    }

    @Test func nothingStandsInClear() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            let session = try sampleSession("canary-user", "canary-token")
            _ = try await store.save(session, tokenHash: sampleHash("x"))
            await store.close()
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                let content = Array(try #require(FileManager.default.contents(atPath: folder + "/" + name)))
                for secret in ["canary", "fp-"] { #expect(content.firstRange(of: bytes(secret)) == nil, "\(name)") }
            }
        }
    }

    @Test func anotherKeyIsRefusedNotTakenForAnEmptyStore() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: [UInt8](repeating: 1, count: 32))
            _ = try await store.save(try sampleSession(), tokenHash: sampleHash("T0"))
            await store.close()
            #expect(throws: StoreOpenError.wrongKey(path: path)) {
                try SQLiteStore(path: path, key: [UInt8](repeating: 2, count: 32))
            }
            let again = try SQLiteStore(path: path, key: [UInt8](repeating: 1, count: 32))
            #expect(try await again.load(.sample("alice")) != nil)
            await again.close()
        }
    }

    @Test func aNewKeyOpensWhatAnOldOneSealed() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let (first, second) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
            let before = try SQLiteStore(path: path, key: first)
            for number in 0..<1200 {
                _ = try await before.save(
                    try sampleSession("user\(number)", "T\(number)", old: [sampleHash("old\(number)")]),
                    tokenHash: sampleHash("T\(number)"))
            }
            let keys = before.keys
            await before.close()
            // With both keys once, then with the new one alone; the old one does not open it any more.
            for oldKeys in [[[UInt8](repeating: 9, count: 32), first], []] {
                let after = try SQLiteStore(path: path, key: second, oldKeys: oldKeys)
                #expect(after.keys.lineage == keys.lineage && after.keys.fingerprint == keys.fingerprint)
                for number in [0, 499, 500, 501, 1199] {
                    #expect(try await after.load(.sample("user\(number)"))?.session.token == .sample("T\(number)"))
                    #expect(try await after.find(sampleHash("old\(number)"))?.session.key == .sample("user\(number)"))
                }
                await after.close()
            }
            #expect(throws: StoreOpenError.wrongKey(path: path)) { try SQLiteStore(path: path, key: first) }
        }
    }

    /// Skipped and told, never taken for another session; a login writes over it.
    @Test func damagedRecordsAreSkippedAndTold() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            _ = try await store.save(try sampleSession("alice", "A"), tokenHash: sampleHash("A"))
            _ = try await store.save(try sampleSession("bob", "B"), tokenHash: sampleHash("B"))
            await store.close()
            try await sqlite(
                path,
                "UPDATE session SET record = zeroblob(10) || substr(record, 11) WHERE name = (SELECT min(name) FROM session)"
            )
            let damage = Gate()
            let after = try SQLiteStore(path: path, key: nil, onDamage: { damage.signal() })
            let found = [try await after.load(.sample("alice")), try await after.load(.sample("bob"))].compactMap { $0 }
            #expect(found.count == 1 && damage.count == 1)
            let lost = try found[0].session.key == .sample("alice") ? "bob" : "alice"
            let login = try sampleSession(lost, "L")
            _ = try await after.save(login, tokenHash: sampleHash("L"))
            #expect(try await after.load(.sample(lost))?.session == login)
            await after.close()
        }
    }

    @Test func whatIsNoStoreIsRefused() async throws {
        try await withTestFolder { folder in
            let text = folder + "/text"
            try Data("this is a text, and a long one at that, longer than a header".utf8).write(to: URL(filePath: text))
            #expect(throws: StoreOpenError.unusable(path: text, code: 26)) { try SQLiteStore(path: text, key: nil) }
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: text)
            #expect(throws: StoreOpenError.notAFile(path: folder + "/link")) {
                try SQLiteStore(path: folder + "/link", key: nil)
            }
            #expect(throws: StoreOpenError.self) { try SQLiteStore(path: "/proc/nowhere/sessions.db", key: nil) }
            try Data("no key".utf8).write(to: URL(filePath: folder + "/k.db.key"))
            #expect(throws: StoreOpenError.keyFile(path: folder + "/k.db.key")) {
                try SQLiteStore(path: folder + "/k.db", key: nil)
            }
        }
    }

    /// A record moved to another user's row does not open there.
    @Test func recordsAreBoundToTheirUser() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            let store = try SQLiteStore(path: path, key: nil)
            _ = try await store.save(try sampleSession("alice", "A"), tokenHash: sampleHash("A"))
            _ = try await store.save(try sampleSession("bob", "B"), tokenHash: sampleHash("B"))
            await store.close()
            try await sqlite(path, "UPDATE session SET record = (SELECT record FROM session ORDER BY name LIMIT 1)")
            let swapped = try SQLiteStore(path: path, key: nil)
            let found = [try await swapped.load(.sample("alice")), try await swapped.load(.sample("bob"))].compactMap {
                $0?.session
            }
            #expect(found.count == 1)
            #expect(
                try found.allSatisfy {
                    try $0.key == .sample("alice") ? $0.token == .sample("A") : $0.token == .sample("B")
                })
            await swapped.close()
        }
    }

    @Test func aNewerSchemaIsRefused() async throws {
        try await withTestFolder { folder in
            let path = folder + "/sessions.db"
            await (try SQLiteStore(path: path, key: nil)).close()
            try await sqlite(path, "PRAGMA user_version = 99")
            #expect(throws: StoreOpenError.newerSchema(path: path, version: 99)) {
                try SQLiteStore(path: path, key: nil)
            }
        }
    }
}
