// What the README says is what the program does.

import FoundationEssentials
import TestSupport
import Testing

struct DocumentationTests {
    /// The README beside Package.swift.
    static func readme() throws -> String {
        text(Array(try #require(FileManager.default.contents(atPath: Repository.root + "/README.md"))))
    }

    @Test func theTableOfSettingsIsTheProgramsOwn() async throws {
        try await expectPrinted("configuration", by: ["config", "--markdown"])
    }

    @Test func theTableOfErrorsIsTheProgramsOwn() async throws {
        try await expectPrinted("errors", by: ["errors", "--markdown"])
        let one = try await Programs.runToEnd("ciam-sidecar", ["errors", "sidecar.session_lost"])
        #expect(one.exitCode == 0 && one.lines.first == "502 SIDECAR.SESSION_LOST" && one.lines.count == 3)
        #expect(try await Programs.runToEnd("ciam-sidecar", ["errors", "NONE"]).exitCode == 64)
    }

    /// What stands between the marks in the README is what the program prints.
    private func expectPrinted(_ name: String, by arguments: [String]) async throws {
        let printed = try await Programs.runToEnd("ciam-sidecar", arguments)
        #expect(printed.exitCode == 0 && printed.lines.count > 30)
        let readme = try Self.readme().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let start = try #require(readme.firstIndex(of: "<!-- \(name): printed by the program -->"))
        let end = try #require(readme.firstIndex(of: "<!-- end of \(name) -->"))
        #expect(readme[(start + 1)..<end].filter { !$0.isEmpty } == printed.lines)
    }

    /// The OpenAPI document, against the running program.
    @Test func theOpenAPIDocumentIsWhatTheProgramDoes() async throws {
        let script = Repository.root + "/Tests/Checks/openapi.py"
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                let check = try await Programs.runToEnd("python3", [script, sidecar.url, tenant.control])
                #expect(check.exitCode == 0, "\(check.lines.joined(separator: "\n"))")
                #expect(check.lines.last == "19 documented answers seen")
            }
        }
    }

    /// Each row of the fault table as it is tested stands in the README.
    @Test func theFaultTableIsTheTestsOwn() throws {
        let readme = try Self.readme()
        for fault in FaultTableTests.faults {
            let row = "| \(fault.name) | \(fault.refresh) | \(fault.ticket) | \(fault.stream) |\n"
            #expect(readme.contains(row), "\(row)")
        }
    }

    /// Every folder of the map is there, and every target is on the map.
    @Test func theMapIsTheTree() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Repository.root + "/Sources")
        let readme = try Self.readme()
        for folder in folders { #expect(readme.contains("\(folder)/"), "\(folder) is not on the map") }
    }

    /// The calls of the README, as they stand there, against a running sidecar.
    @Test func theCallsWork() async throws {
        let readme = try Self.readme()
        let section = try #require(readme.ranges(of: "## How to call it").first)
        let block = readme[section.upperBound...].split(separator: "```")[1].dropFirst(2)
        let calls = block.replacing("\\\n", with: "").split(separator: "\n").filter { $0.hasPrefix("curl ") }
        try #require(calls.count == 5)
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                for call in calls {
                    let words = Self.words(String(call).replacing("http://127.0.0.1:8180", with: sidecar.url))
                    let answer = try await sidecar.curl(Array(words.dropFirst()))
                    #expect(answer.status == 200 || answer.status == 204, "\(call): \(answer)")
                }
            }
        }
    }

    /// The words of a shell command with single quotes.
    private static func words(_ command: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quoted = false
        for letter in command {
            if letter == "'" {
                quoted.toggle()
                word = word ?? ""
            } else if letter == " ", !quoted {
                if let done = word { words.append(done) }
                word = nil
            } else {
                word = (word ?? "") + String(letter)
            }
        }
        return words + (word.map { [$0] } ?? [])
    }
}
