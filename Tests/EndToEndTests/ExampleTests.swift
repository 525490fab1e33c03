// The callers in deploy/examples, run as their README says, against a running sidecar.

import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct ExampleTests {
    private static let folder = Repository.root + "/deploy/examples/"
    private static let session = "/api/v2/tenant/sso/session-token"

    @Test func shell() async throws { try await expectGoodCaller(["sh", Self.folder + "curl.sh"]) }

    @Test func python() async throws { try await expectGoodCaller(["python3", Self.folder + "python.py"]) }

    @Test func c() async throws {
        try await withTestFolder { folder in
            let build = ["-Wall", "-Wextra", "-Werror", "-o", folder + "/caller", Self.folder + "c.c", "-lcurl"]
            let compiler = try await Programs.runToEnd("cc", build)
            try #require(compiler.exitCode == 0, "\(compiler.lines)")
            try await expectGoodCaller(["caller"], ["PATH": folder])
        }
    }

    // deploy/test.sh installs what the next ones need; whoever runs the tests without it may lack a language.

    @Test(.enabled(if: has("node"), "nodejs is not installed"))
    func node() async throws { try await expectGoodCaller(["node", Self.folder + "node.mjs"]) }

    @Test(.enabled(if: has("java"), "openjdk-17-jdk-headless is not installed"))
    func java() async throws { try await expectGoodCaller(["java", Self.folder + "Caller.java"]) }

    @Test(.enabled(if: has("php"), "php-cli is not installed"))
    func php() async throws { try await expectGoodCaller(["php", Self.folder + "php.php"]) }

    @Test(.enabled(if: has("go"), "golang-go is not installed"))
    func go() async throws {
        try await withTestFolder { folder in
            let settings = ["GOCACHE": folder + "/cache", "GOPATH": folder + "/path", "GOPROXY": "off"]
            try await expectGoodCaller(["go", "run", Self.folder + "go.go"], settings)
        }
    }

    @Test(.enabled(if: has("dotnet"), "Debian has no .NET SDK"))
    func csharp() async throws {
        try await withTestFolder { folder in
            // The build writes beside the project, and must not ask for packages elsewhere.
            try FileManager.default.copyItem(atPath: Self.folder + "csharp", toPath: folder + "/csharp")
            let settings = [
                "HOME": folder, "RestoreSources": folder, "DOTNET_NOLOGO": "true",
                "DOTNET_CLI_TELEMETRY_OPTOUT": "true",
            ]
            try await expectGoodCaller(["dotnet", "run", "--project", folder + "/csharp"], settings)
        }
    }

    /// Where `Programs` looks.
    private static func has(_ program: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/" + program)
    }

    /// Its whole life beside one sidecar, then a login that is refused.
    private func expectGoodCaller(_ command: [String], _ settings: [String: String] = [:]) async throws {
        try await expectTheRound(command, settings)
        try await expectARefusedLogin(command, settings)
    }

    private func run(_ command: [String], _ settings: [String: String]) async throws -> ProgramEnd {
        try await Programs.runToEnd(command[0], Array(command.dropFirst()), environment: settings)
    }

    private func expectTheRound(_ command: [String], _ settings: [String: String]) async throws {
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                // Nobody is logged in yet.
                try await expectThreeLines(try await run(command + [sidecar.url], settings), tenant)
                // A session is there, and the URL comes from the environment.
                let settings = settings.merging(["SIDECAR_URL": sidecar.url]) { $1 }
                try await expectThreeLines(try await run(command, settings), tenant)
                try await tenant.expectCleanCounters()
                // The session ends behind everybody's back: said once, then there is a new login.
                _ = try await tenant.control("DELETE", "/sessions/alice")
                let refused = try await run(command, settings)
                #expect(refused.exitCode == 1)
                #expect(refused.lines.contains { $0.contains("/refresh: 400") && $0.contains("IDAAS.SDK.PARAM.0023") })
                try await expectThreeLines(try await run(command, settings), tenant)
            }
            let received = try await tenant.received()
            #expect(
                received.map(\.outcome) == [
                    "token", "login", "refreshed", "ticket", "refreshed", "ticket", "session_ended", "login",
                    "refreshed", "ticket",
                ])
            expectInjection(received)
        }
    }

    /// What an example prints when all is well.
    private func expectThreeLines(_ end: ProgramEnd, _ tenant: Tenant) async throws {
        try #require(end.exitCode == 0, "\(end.lines)")
        let token = try await tenant.session("alice").sessionToken
        #expect(end.lines == ["refreshed expire=43200", "token \(token.prefix(4))...", "ticket ssoT..."])
    }

    /// The sidecar has added what is the sidecar's to add, the same device each time.
    private func expectInjection(_ received: [Tenant.Received]) {
        let sessionCalls = received.filter { $0.path.hasPrefix(Self.session) }
        let bearers = Set(sessionCalls.map { $0.values("authorization") })
        #expect(bearers.count == 1 && bearers.first?.count == 1 && bearers.first?.first?.hasPrefix("Bearer ") == true)
        for name in ["device_fingerprint", "device_ip", "agent", "operating_sys_version", "session_token"] {
            #expect(sessionCalls.allSatisfy { $0.json[name]?.isEmpty == false }, "\(name)")
        }
        let logins = received.filter { $0.outcome == "login" }
        #expect(logins.allSatisfy { $0.values("authorization").isEmpty })
        let fingerprints = Set(
            sessionCalls.compactMap { $0.json["device_fingerprint"] }
                + logins.flatMap { $0.values("x-device-fingerprint") })
        #expect(fingerprints.count == 1)
        #expect(received.allSatisfy { $0.values("x-sidecar-user").isEmpty })
    }

    private func expectARefusedLogin(_ command: [String], _ settings: [String: String]) async throws {
        try await Tenant.with(["--password", "another"]) { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                let end = try await run(command + [sidecar.url], settings)
                #expect(end.exitCode == 1)
                #expect(end.lines.contains { $0.contains("/login: 400") && $0.contains("SDK.LOGIN.1005") })
                #expect(!end.lines.contains { $0.hasPrefix("refreshed") })
            }
            #expect(try await tenant.received().map(\.outcome).filter { $0 != "token" } == ["login_refused"])
        }
    }

    /// Every example is short, every line counted, says what it is, and stands in the README beside it.
    @Test func everyExampleIsShort() throws {
        let readme = try Self.content("README.md")
        let kinds = [".sh", ".py", ".mjs", ".java", ".php", ".cs", ".go", ".c"]
        let files = try FileManager.default.subpathsOfDirectory(atPath: Self.folder).filter { file in
            kinds.contains { file.hasSuffix($0) } && !file.contains("/obj/")
        }
        #expect(files.count == kinds.count)
        for file in files {
            let content = try Self.content(file)
            #expect(content.utf8.count { $0 == UInt8(ascii: "\n") } < 40, "\(file)")
            #expect(content.hasSuffix("\n"), "\(file)")
            let opening = content.split(separator: "\n").prefix(2)
            #expect(opening.contains { $0.contains(" Calls the tenant through the sidecar. ") }, "\(file)")
            #expect(readme.contains("`\(file)`"), "\(file)")
        }
    }

    private static func content(_ file: String) throws -> String {
        text(Array(try #require(FileManager.default.contents(atPath: folder + file))))
    }
}
