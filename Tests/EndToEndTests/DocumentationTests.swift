// What README and documentation say is what the program does: tables, links, names.

import FoundationEssentials
import TestSupport
import Testing

struct DocumentationTests {
    // MARK: printed by the program

    /// What stands between the marks is what the program prints.
    @Test(arguments: Page.all)
    func whatIsPrintedIsTheProgramsOwn(_ page: Page) async throws {
        for (arguments, lines) in page.printed {
            let words = arguments.split(separator: " ").map(String.init)
            let isHelp = words.contains("help")
            let command =
                switch words[0] {
                case "tenant-emulator": ["tenant-emulator", "--help"]
                case "help": ["ciam-sidecar"] + words
                default: ["ciam-sidecar"] + words + ["--markdown"]
                }
            let end = try await Programs.runToEnd(
                command[0], Array(command.dropFirst()), environment: ["COLUMNS": "80"])
            #expect(end.exitCode == 0 && !end.lines.isEmpty)
            let fence = isHelp ? [["```text"], ["```"]] : [[], []]
            let fresh = fence[0] + end.lines.filter { !$0.isEmpty } + fence[1]
            #expect(lines.filter { !$0.isEmpty } == fresh, "\(arguments): deploy/reference.sh prints it anew")
        }
    }

    /// Each is printed somewhere.
    @Test func everythingThatCanBePrintedIs() throws {
        let printed = Set(Page.all.flatMap(\.printed).map(\.arguments))
        let help = [
            "serve", "check", "doctor", "health", "explain", "config", "errors", "metrics", "routes", "openapi",
            "version",
        ].map { "help " + $0 }
        for one in ["config", "errors", "metrics", "routes", "openapi", "help", "tenant-emulator help"] + help {
            #expect(printed.contains(one), "\(one)")
        }
    }

    /// What was spoilt is as it was after `deploy/reference.sh`.
    @Test func theReferenceIsPrintedAnew() async throws {
        try await withTestFolder { folder in
            let files = FileManager.default
            try files.createDirectory(atPath: folder + "/deploy", withIntermediateDirectories: true)
            try files.createDirectory(atPath: folder + "/" + Page.folder, withIntermediateDirectories: true)
            try files.copyItem(
                atPath: Repository.root + "/deploy/reference.sh", toPath: folder + "/deploy/reference.sh")
            for page in Page.all {
                let spoilt = page.text.replacing("SIDECAR_TENANT_URL", with: "SIDECAR_TENANT")
                try Data(bytes(spoilt)).write(to: URL(filePath: folder + "/" + page.path))
            }
            let end = try await Programs.runToEnd("bash", [folder + "/deploy/reference.sh", Programs.folder])
            #expect(end.exitCode == 0 && end.lines.contains("\(Page.folder)/Configuration.md"), "\(end.lines)")
            for page in Page.all {
                let fresh = text(Array(try #require(files.contents(atPath: folder + "/" + page.path))))
                let expected = page.printed.map(\.lines)
                for part in expected {
                    #expect(fresh.contains(part.joined(separator: "\n")), "\(page.path)")
                }
            }
        }
    }

    /// As a web site, without a warning.
    @Test func theSiteCanBeMade() async throws {
        try await withTestFolder { folder in
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let end = try await Programs.runToEnd(
                "bash", [Repository.root + "/deploy/documentation.sh", folder + "/site"], environment: ["PATH": path])
            #expect(end.exitCode == 0, "\(end.lines)")
            #expect(FileManager.default.fileExists(atPath: folder + "/site/index.html"))
        }
    }

    @Test func oneErrorIsExplained() async throws {
        let one = try await Programs.runToEnd("ciam-sidecar", ["errors", "sidecar.session_lost"])
        #expect(one.exitCode == 0 && one.lines.first == "502 SIDECAR.SESSION_LOST" && one.lines.count == 3)
        #expect(try await Programs.runToEnd("ciam-sidecar", ["errors", "NONE"]).exitCode == 64)
    }

    /// For a terminal each list has the same entries as its table.
    @Test(arguments: ["config", "errors", "metrics", "routes"])
    func listsForATerminal(_ command: String) async throws {
        let plain = try await Programs.runToEnd("ciam-sidecar", [command])
        let table = try await Programs.runToEnd("ciam-sidecar", [command, "--markdown"])
        #expect(plain.exitCode == 0 && !plain.lines.contains { $0.contains("`") && command == "routes" })
        #expect(plain.lines.count { !$0.hasPrefix(" ") && !$0.isEmpty } == table.lines.count - 2)
    }

    /// The OpenAPI document, against the running program.
    @Test func theOpenAPIDocumentIsWhatTheProgramDoes() async throws {
        let script = Repository.root + "/Tests/Checks/openapi.py"
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                let check = try await Programs.runToEnd("python3", [script, sidecar.url, tenant.control])
                #expect(check.exitCode == 0, "\(check.lines.joined(separator: "\n"))")
                #expect(check.lines.last == "19 documented answers seen")
                let served = try await sidecar.curl([sidecar.url + "/sidecar/v1/openapi.json"])
                let printed = try await Programs.runToEnd("ciam-sidecar", ["openapi"])
                #expect(served.body == printed.lines.joined(separator: "\n"))
            }
        }
    }

    // MARK: tables of tests

    /// Each row of the fault table as it is tested stands in the documentation.
    @Test func theFaultTableIsTheTestsOwn() throws {
        let page = try Page.named("Evidence")
        for fault in FaultTableTests.faults {
            let row = "| \(fault.name) | \(fault.refresh) | \(fault.ticket) | \(fault.stream) |\n"
            #expect(page.text.contains(row), "\(row)")
        }
    }

    /// Every folder of the map is there, and every target is on the map.
    @Test func theMapIsTheTree() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Repository.root + "/Sources")
        let readme = try Page("README.md").text
        for folder in folders { #expect(readme.contains("\(folder)/"), "\(folder) is not on the map") }
    }

    // MARK: links and names

    /// Every link leads to a file, and to a heading in it.
    @Test(arguments: Page.all)
    func linksLeadSomewhere(_ page: Page) throws {
        let folder = page.path.split(separator: "/").dropLast().map(String.init)
        for link in page.links {
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            var way = folder
            for step in parts[0].split(separator: "/").map(String.init) {
                if step == ".." { way.removeLast() } else { way.append(step) }
            }
            let target = parts[0].isEmpty ? page.path : way.joined(separator: "/")
            guard Repository.has(target) else {
                Issue.record("\(page.path): \(link) is not there")
                continue
            }
            if parts.count > 1 {
                #expect(try Page(target).anchors.contains(parts[1]), "\(page.path): no heading for \(link)")
            }
        }
    }

    /// Every page is on the front page of the documentation and in the README.
    @Test func everyPageIsFound() throws {
        let front = try Page.named("Documentation").text
        let readme = try Page("README.md").links
        let names = Page.all.map(\.path).filter { $0.hasPrefix(Page.folder) }
            .map { String($0.dropFirst(Page.folder.count + 1).dropLast(3)) }.filter { $0 != "Documentation" }
        #expect(names.count > 15)
        for name in names {
            #expect(front.contains("\n- <doc:\(name)>\n"), "\(name)")
            #expect(readme.contains("\(Page.folder)/\(name).md"), "\(name)")
        }
        for topic in front.matches(of: #/<doc:(\w+)>/#) { #expect(names.contains(String(topic.1)), "\(topic.1)") }
    }

    /// The files that the pages name, with and without a link, are there.
    @Test(arguments: Page.all)
    func namedFilesAreThere(_ page: Page) {
        for name in page.prose.flatMap({
            $0.matches(of: #/`((?:deploy|Tests|Sources)/[^`*…\s]+)`/#).map { String($0.1) }
        }) {
            #expect(Repository.has(name), "\(page.path): \(name) is not there")
        }
    }

    /// Names of settings as they stand anywhere in documentation and `deploy/`.
    @Test func everySettingIsReal() async throws {
        let listed = try await Programs.runToEnd("ciam-sidecar", ["config"]).lines.filter { $0.hasPrefix("SIDECAR_") }
        var names: Set<String> = []
        for line in listed {
            let name = String(line.prefix { $0 != " " })
            names.insert(name)
            if line.contains("…_FILE") { names.insert(name + "_FILE") }
        }
        // What the examples call the address of the sidecar.
        names.insert("SIDECAR_URL")
        let files = Page.all.map(\.path) + (try Repository.files(below: "deploy"))
        for file in files {
            for match in try Repository.text(file).matches(of: #/SIDECAR_[A-Z0-9_]+/#) {
                #expect(names.contains(String(match.0)), "\(file): \(match.0) is no setting")
            }
        }
    }

    /// Names of metrics in documentation, alerts and dashboard.
    @Test func everyMetricIsReal() async throws {
        let table = try await Programs.runToEnd("ciam-sidecar", ["metrics", "--markdown"]).lines
        let names = table.compactMap { $0.wholeMatch(of: #/\| `([a-z_]+)` \| (\w+) .*/#) }
        var known = Set(names.map { String($0.1) })
        for histogram in names where histogram.2 == "histogram" {
            for part in ["_bucket", "_sum", "_count"] { known.insert(histogram.1 + part) }
        }
        try #require(known.count > 30)
        let observed = try Repository.files(below: "deploy/observability")
        let kinds = [".yaml", ".json", ".txt", ".md"]
        for file in Page.all.map(\.path) + observed.filter({ name in kinds.contains { name.hasSuffix($0) } }) {
            for match in try Repository.text(file).matches(of: #/\b(?:sidecar|process)_[a-z_]+/#) {
                #expect(known.contains(String(match.0)), "\(file): \(match.0) is no metric")
            }
        }
    }

    /// Each alert has a heading of its name in the runbook, and says what it means, what to look at and what to do.
    @Test func everyAlertIsInTheRunbook() throws {
        let alerts = try Repository.text("deploy/observability/alerts.yaml")
            .matches(of: #/alert: (\w+)/#).map { String($0.1) }
        let runbook = try Page.named("Runbook")
        let parts = runbook.text.split(separator: "\n## ").dropFirst().map(String.init)
        #expect(alerts.sorted() == parts.map { String($0.prefix { $0 != "\n" }) }.sorted())
        for alert in alerts { #expect(runbook.anchors.contains(alert.lowercased())) }
        for part in parts {
            for label in ["\n**What it means.** ", "\n**Look at.** ", "\n**Do.** "] {
                #expect(part.contains(label), "\(part.prefix { $0 != "\n" })\(label)")
            }
        }
    }
}
