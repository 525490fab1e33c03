// What the fuzzer has found out so far stays found.

import FoundationEssentials
import FuzzChecks
import TestSupport
import Testing

struct CorpusTests {
    /// Every input of the corpus once. A broken promise ends the test run here.
    @Test func everyInput() throws {
        let folder = Repository.root + "/Tests/Fuzzing/corpus"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.count > 100)
        for name in names {
            FuzzChecks.check(Array(try #require(FileManager.default.contents(atPath: folder + "/" + name))))
        }
    }
}
