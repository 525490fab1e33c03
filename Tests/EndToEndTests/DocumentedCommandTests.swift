// Every command in README and documentation: run, or held against the files that it names. None is passed over.

import FoundationEssentials
import Subprocess
import TestSupport
import Testing

@Suite(.serialized) struct DocumentedCommandTests {
    /// A block has a language, and it is one of these.
    @Test(arguments: Page.all)
    func languages(_ page: Page) {
        for block in page.blocks {
            #expect(
                ["sh", "env", "http", "ini", "json", "text", "yaml"].contains(block.language),
                "\(page.path): \(block.lines.first ?? "") is in '\(block.language)'")
        }
    }

    /// The commands of a page, one after the other, beside a tenant where alice is logged in.
    @Test(arguments: Page.all.filter { $0.blocks.contains { $0.language == "sh" } })
    func commandsWork(_ page: Page) async throws {
        let commands = page.blocks.filter { $0.language == "sh" }.flatMap { Self.commands($0.lines) }
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                let login = #"{"user_name":"alice","password":"demo-password"}"#
                #expect(try await sidecar.post("/api/v2/sdk/login", login).status == 200)
                #expect(try await sidecar.post("/api/v2/tenant/sso/session-token/refresh").status == 200)
                let scene = Scene(tenant: tenant, sidecar: sidecar)
                for command in commands {
                    let problem = try await scene.problem(command)
                    #expect(problem == nil, "\(page.path): \(command)")
                }
            }
        }
        try await Self.expectAccepted(
            Self.settings(commands.filter { $0.hasPrefix("export ") }.map { String($0.dropFirst(7)) }), page)
    }

    /// Every block of settings is a right configuration, together with the least that is needed.
    @Test(arguments: Page.all.filter { $0.blocks.contains { $0.language == "env" } })
    func settingsAreTaken(_ page: Page) async throws {
        for block in page.blocks where block.language == "env" {
            try await Self.expectAccepted(Self.settings(block.lines), page)
        }
    }

    // MARK: reading

    /// Continued lines are one command, and so are the lines of a text in quotes; comments and blank lines are none.
    static func commands(_ lines: [String]) -> [String] {
        var commands: [String] = []
        var open = ""
        for line in lines {
            if open.isEmpty, line.isEmpty || line.hasPrefix("#") { continue }
            open += line
            if line.hasSuffix("\\") {
                open.removeLast()
            } else if open.count(where: { $0 == "'" }).isMultiple(of: 2) {
                commands.append(open)
                open = ""
            }
        }
        return commands + (open.isEmpty ? [] : [open])
    }

    /// The words of a shell command with single quotes.
    static func words(_ command: String) -> [String] {
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

    @Test func theShellIsRead() {
        let lines = ["# no command", "", "a 'b c' \\", "  d", "e '{", "}' f", "'open"]
        #expect(Self.commands(lines) == ["a 'b c'   d", "e '{}' f", "'open"])
        #expect(Self.words("a 'b c'   d ''") == ["a", "b c", "d", ""])
    }

    // MARK: settings

    private static func settings(_ lines: [String]) -> [String: String] {
        lines.reduce(into: [:]) { settings, line in
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            settings[parts[0]] = parts.count > 1 ? parts[1] : ""
        }
    }

    /// `ciam-sidecar check` finds nothing. Files of others are replaced by ones that are there.
    private static func expectAccepted(_ written: [String: String], _ page: Page) async throws {
        guard !written.isEmpty else { return }
        try await withTestFolder { folder in
            // 32 bytes in base64, as keys have to be.
            let content = folder + "/content"
            try Data(bytes("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")).write(to: URL(filePath: content))
            var settings = written.mapValues { $0 }
            let made = try await SelfSignedCertificate.make(in: folder)
            for name in written.keys where name.hasSuffix("_FILE") {
                let isCertificate = name.hasSuffix("CA_FILE") || name.hasSuffix("CERT_FILE")
                let other = name.hasSuffix("CLIENT_KEY_FILE") ? made.key : content
                settings[name] = isCertificate ? made.certificate : other
            }
            settings["SIDECAR_TENANT_URL"] = written["SIDECAR_TENANT_URL"] ?? "https://tenant.example"
            if !written.keys.contains(where: { $0.hasPrefix("SIDECAR_CLIENT_SECRET") }) {
                settings["SIDECAR_ACCESS_TOKEN"] = "token"
            }
            let check = try await Programs.runToEnd("ciam-sidecar", ["check"], environment: settings)
            #expect(check.exitCode == 0, "\(page.path): \(written.keys.sorted()): \(check.lines)")
        }
    }
}

/// A sidecar beside a tenant, for the commands of a page.
private struct Scene {
    let tenant: Tenant
    let sidecar: Sidecar

    /// What is wrong with a command; nil when it worked, or when it cannot be run here and names nothing that is not there.
    func problem(_ command: String) async throws -> String? {
        var words = DocumentedCommandTests.words(command)
        var variables: [String] = []
        while let word = words.first, word.contains(#/^[A-Z_]+=/#) {
            variables.append(String(word.prefix { $0 != "=" }))
            words.removeFirst()
        }
        if words.first == "sudo" { words.removeFirst() }
        // A comment behind a call is the status that it gets.
        let expected = words.firstIndex(of: "#").map { words[words.index(after: $0)...].joined(separator: " ") }
        words = Array(words.prefix { $0 != "#" })
        guard let program = words.first else { return "no command" }
        let arguments = Array(words.dropFirst())
        switch program {
        case "curl": return try await curl(arguments, expected: expected.map { [Int($0) ?? 0] } ?? Array(200...299))
        case "ciam-sidecar", ".build/release/ciam-sidecar": return try await run(arguments)
        case "tenant-emulator", ".build/release/tenant-emulator": return try await emulatorKnows(arguments)
        case "openssl": return try await pin(command)
        case "export": return nil
        case "swift": return try swift(arguments)
        case "kubectl", "docker", "systemctl", "systemd-run", "journalctl", "install", "apt-get":
            return missingFile(arguments)
        default:
            guard program.hasSuffix(".sh") || program.hasSuffix(".py") else {
                return "nobody here knows how to run \(program)"
            }
            return try script(program, arguments, variables)
        }
    }

    /// The addresses of the pages become those of this scene.
    private func here(_ text: String) -> String {
        text.replacing("http://127.0.0.1:8180", with: sidecar.url)
            .replacing("http://127.0.0.1:8181", with: "http://127.0.0.1:\(sidecar.adminPort)")
            .replacing("http://127.0.0.1:8190", with: tenant.control)
    }

    private func curl(_ arguments: [String], expected: [Int]) async throws -> String? {
        let changed = arguments.map(here)
        guard changed != arguments else { return "it calls none of the three addresses" }
        let answer = try await sidecar.curl(changed)
        return answer.exit == 0 && expected.contains(answer.status) ? nil : "\(answer)"
    }

    private var environment: [String: String] {
        Sidecar.settings(tenant).merging([
            "SIDECAR_LISTEN": "127.0.0.1:\(sidecar.port)", "SIDECAR_ADMIN_LISTEN": "127.0.0.1:\(sidecar.adminPort)",
        ]) { $1 }
    }

    private func run(_ arguments: [String], _ more: [String: String] = [:]) async throws -> String? {
        // It runs already.
        if arguments.isEmpty { return nil }
        let settings = environment.merging(more) { $1 }
        let end = try await Programs.runToEnd("ciam-sidecar", arguments, environment: settings)
        return end.exitCode == 0 ? nil : end.lines.joined(separator: "\n")
    }

    private func emulatorKnows(_ arguments: [String]) async throws -> String? {
        let help = try await Programs.runToEnd("tenant-emulator", ["--help"]).lines.joined(separator: "\n")
        let unknown = arguments.filter { $0.hasPrefix("--") && !help.contains("  \($0) <") }
        return unknown.isEmpty ? nil : "no such options: \(unknown)"
    }

    /// What the pipe prints is taken for the pin of the tenant's key.
    private func pin(_ command: String) async throws -> String? {
        let place = String(try #require(tenant.url.split(separator: "/").last))
        let host = String(place.prefix { $0 != ":" })
        let local = command.replacing("example.bccastle.com:443", with: place)
            .replacing("example.bccastle.com", with: host)
        let end = try await Programs.runToEnd("sh", ["-c", local])
        guard end.exitCode == 0, let pin = end.lines.last else { return "\(end.lines)" }
        return try await run(["doctor"], ["SIDECAR_PINNED_PUBLIC_KEY": "sha256//" + pin])
    }

    private func swift(_ arguments: [String]) throws -> String? {
        guard arguments.first == "build" else { return "only swift build is known" }
        if let missing = missingFile(arguments) { return missing }
        let package = try Repository.text("Package.swift")
        guard let option = arguments.firstIndex(of: "--product") else { return nil }
        let product = arguments[arguments.index(after: option)]
        return package.contains(".executable(name: \"\(product)\"") ? nil : "no product \(product)"
    }

    /// A file of the repository that is named and is not there.
    private func missingFile(_ arguments: [String]) -> String? {
        arguments.first { word in
            ["deploy/", "Sources/", "Tests/"].contains { word.hasPrefix($0) } && !Repository.has(word)
        }.map { "\($0) is not there" }
    }

    /// The script can be run; what it filters by and what it is told through the environment is something in the tests or in itself.
    private func script(_ path: String, _ arguments: [String], _ variables: [String]) throws -> String? {
        guard FileManager.default.isExecutableFile(atPath: Repository.root + "/" + path) else {
            return "\(path) cannot be run"
        }
        var names = variables
        if let option = arguments.firstIndex(of: "--filter") { names.append(arguments[arguments.index(after: option)]) }
        guard !names.isEmpty else { return nil }
        let tests =
            try Repository.files(below: "Tests").filter { $0.hasSuffix(".swift") }
            .map { try Repository.text($0) + $0 } + [try Repository.text(path)]
        return names.first { name in !tests.contains { $0.contains(name) } }.map { "\($0) is nothing in the tests" }
    }
}
