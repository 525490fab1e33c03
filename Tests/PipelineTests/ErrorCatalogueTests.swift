// The list of our own errors is whole, and each can stand in a table.

import FoundationEssentials
import Pipeline
import TestSupport
import Testing

struct ErrorCatalogueTests {
    /// Every row that the source declares is in the list; a row that is not could be answered and be in no table.
    @Test func everyRowIsInTheList() throws {
        let source = text(
            Array(
                try #require(
                    FileManager.default.contents(atPath: Repository.root + "/Sources/Pipeline/ErrorCatalogue.swift"))))
        let declared = source.split(separator: " = ErrorRow(").dropFirst().compactMap { rest in
            rest.split(separator: "\"").dropFirst().first.map { String($0) }
        }
        #expect(declared.count > 30)
        #expect(declared.sorted() == ErrorRow.all.map(\.code).sorted())
    }

    /// One meaning for each pair of status and code, and words in every cell that do not break the table.
    @Test func everyRowCanBeRead() {
        #expect(Set(ErrorRow.all.map { "\($0.status) \($0.code) \($0.message)" }).count == ErrorRow.all.count)
        for row in ErrorRow.all {
            #expect((400...599).contains(row.status) && !row.message.isEmpty && !row.remedy.isEmpty)
            #expect(!row.message.contains("|") && !row.remedy.contains("|") && !row.message.contains("\n"))
            #expect(row.code.utf8.allSatisfy { (0x41...0x5A).contains($0) || $0 == 0x5F })
            // Whoever is told to come again is told when.
            #expect((row.status == 503 || row.status == 429) == (row.retryAfter != nil), "\(row.code)")
        }
    }

    @Test func retryAfterIsWholeSecondsAndAtLeastOne() {
        for (wait, seconds) in [
            (Duration.zero, 1), (.milliseconds(1), 1), (.milliseconds(1001), 2), (.seconds(60), 60), (.seconds(-5), 1),
        ] {
            #expect(ProxyError.noAccessToken(retryAfter: wait).row.retryAfter == seconds)
        }
    }
}
