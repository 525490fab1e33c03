// The commands beside `serve`: what they print, and how they end.

import FoundationEssentials
import TestSupport
import Testing

struct CommandTests {
    private func run(_ arguments: [String], _ settings: [String: String]) async throws -> (code: Int32?, text: String) {
        let end = try await Programs.runToEnd("ciam-sidecar", arguments, environment: settings)
        return (end.exitCode, end.lines.joined(separator: "\n"))
    }

    @Test func check() async throws {
        let settings = ["SIDECAR_TENANT_URL": "https://tenant.example", "SIDECAR_ACCESS_TOKEN": "canary-token"]
        let fine = try await run(["check"], settings)
        #expect(fine.code == 0 && fine.text.contains("https://tenant.example as ciam, 2 settings"))
        let wrong = try await run(
            ["check"], settings.merging(["SIDECAR_LISTENS": "x", "SIDECAR_MAX_BODY": "-1"]) { $1 })
        #expect(wrong.code == 78)
        #expect(
            wrong.text.contains("did you mean SIDECAR_LISTEN?") && wrong.text.contains("SIDECAR_MAX_BODY: is \"-1\""))
        #expect(!(fine.text + wrong.text).contains("canary"))
    }

    @Test func version() async throws {
        let version = try await run(["version"], [:])
        #expect(version.code == 0 && version.text.contains("libcurl/") && version.text.contains("SQLite 3."))
        #expect(try await run(["--version"], [:]).text == version.text.split(separator: "\n").first.map(String.init))
    }

    /// Every command says what it is for, and the first page lists them all.
    @Test func help() async throws {
        let all = try await run(["--help"], [:])
        #expect(all.code == 0)
        let commands = [
            "serve", "check", "doctor", "health", "explain", "config", "errors", "metrics", "routes", "openapi",
            "version",
        ]
        for command in commands {
            #expect(all.text.contains("\n  \(command) "), "\(command)")
            let one = try await run([command, "--help"], [:])
            #expect(one.code == 0 && one.text.contains("USAGE: ciam-sidecar \(command)"))
        }
    }

    @Test func health() async throws {
        try await Tenant.with { tenant in
            var settings = Sidecar.settings(tenant)
            settings["SIDECAR_CLIENT_SECRET"] = "wrong"
            _ = try await Sidecar.with(settings) { sidecar in
                let admin = ["SIDECAR_ADMIN_LISTEN": "127.0.0.1:\(sidecar.adminPort)"]
                let alive = try await run(["health"], admin)
                #expect(alive.code == 0 && alive.text == "alive")
                let ready = try await run(["health", "--ready"], admin)
                #expect(ready.code == 1 && ready.text.contains("no usable access token is held"))
            }
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                #expect(try await sidecar.post("/api/v2/tenant/echo").status == 200)
                let everywhere = ["SIDECAR_ADMIN_LISTEN": "0.0.0.0:\(sidecar.adminPort)"]
                let ready = try await run(["health", "--ready"], everywhere)
                #expect(ready.code == 0 && ready.text == "ready")
            }
        }
        let silent = try await run(["health"], ["SIDECAR_ADMIN_LISTEN": "127.0.0.1:1"])
        #expect(silent.code == 1 && silent.text.contains("no answer: 127.0.0.1:1"))
        #expect(try await run(["health"], ["SIDECAR_ADMIN_LISTEN": "8181"]).code == 78)
    }

    @Test func explain() async throws {
        let settings = [
            "SIDECAR_TENANT_URL": "https://tenant.example", "SIDECAR_ACCESS_TOKEN": "canary-token",
            "SIDECAR_DEVICE_FINGERPRINT": "canary-fingerprint",
        ]
        let path = "/api/v2/tenant/sso/session-token/sso-ticket"
        let sent = try await run(
            ["explain", "POST", path, "-H", "X-Sidecar-User: alice", "-d", #"{"session_token":"canary-session"}"#],
            settings)
        #expect(sent.code == 0 && sent.text.hasPrefix("forwarded as T3\n"))
        #expect(sent.text.contains("Authorization: Bearer •••") && sent.text.contains(#""session_token":"•••""#))
        let refused = try await run(["explain", "POST", "/api/v2/tenant/token"], settings)
        #expect(refused.code == 0 && refused.text.contains("the app gets 403 SIDECAR.PATH_NOT_ALLOWED"))
        #expect(!(sent.text + refused.text).contains("canary"))
        for wrong in [["explain", "GET", "relative"], ["explain", "GET", "/", "-H", "no colon"], ["explain", "GET"]] {
            #expect(try await run(wrong, settings).code == 64)
        }
    }

    @Test func theEmulatorSaysWhyItDoesNotStart() async throws {
        try await Tenant.with { tenant in
            try await withTestFolder { folder in
                let port = try #require(tenant.url.split(separator: ":").last)
                for option in ["--listen", "--control"] {
                    let end = try await Programs.runToEnd(
                        "tenant-emulator", ["--directory", folder, option, "127.0.0.1:\(port)"])
                    #expect(end.exitCode == 1)
                    #expect(
                        end.lines == [
                            "Error: \(option) 127.0.0.1:\(port): Address already in use; choose another address"
                        ])
                }
                let end = try await Programs.runToEnd("tenant-emulator", ["--directory", "/dev/null/x"])
                #expect(end.exitCode == 1 && end.lines.count == 1 && end.lines[0].contains("--directory /dev/null/x: "))
            }
        }
    }

    // MARK: doctor

    /// The findings by step, in one word each.
    private func findings(_ text: String) -> [String: String] {
        var findings: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix(" ") {
            for word in ["ok", "note", "skipped", "WRONG"] {
                guard let range = line.ranges(of: " \(word) ").first else { continue }
                let step = line[..<range.lowerBound].split(separator: " ").joined(separator: " ")
                // Of several addresses to listen at, one that is wrong.
                if findings[step] != "WRONG" { findings[step] = word }
            }
        }
        return findings
    }

    private static let steps = ["configuration", "dns", "tcp", "tls", "clock", "access token", "store", "listen"]

    @Test func doctorFindsNothing() async throws {
        try await withTestFolder { folder in
            try await Tenant.with { tenant in
                let settings = Sidecar.settings(tenant, store: "sqlite:\(folder)/s.db")
                let found = try await run(["doctor"], settings)
                #expect(found.code == 0, "\(found.text)")
                // It makes nothing: who looks may be somebody else than who serves.
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
                #expect(found.text.contains("\(folder)/s.db is not there yet, and can be made"))
                for step in Self.steps { #expect(findings(found.text)[step] == "ok", "\(step): \(found.text)") }
                // Beside a sidecar that runs it is as fine.
                _ = try await Sidecar.with(settings) { sidecar in
                    let beside = settings.merging([
                        "SIDECAR_LISTEN": "127.0.0.1:\(sidecar.port)",
                        "SIDECAR_ADMIN_LISTEN": "127.0.0.1:\(sidecar.adminPort)",
                    ]) { $1 }
                    let found = try await run(["doctor"], beside)
                    #expect(found.code == 0, "\(found.text)")
                    #expect(found.text.contains("is in use by pid \(sidecar.program.pid)"))
                    #expect(found.text.contains("is in use, and a sidecar runs"))
                }
            }
        }
    }

    /// Each fault is found at its step, and the fix names what is to be changed.
    @Test(arguments: [
        (["SIDECAR_TENANT_URL": "https://nowhere.invalid"], "dns", "SIDECAR_TENANT_URL"),
        (["SIDECAR_TENANT_URL": "https://127.0.0.1:1"], "tcp", "firewall"),
        (["SIDECAR_CA_FILE": "/etc/ssl/certs/ca-certificates.crt"], "tls", "SIDECAR_CA_FILE"),
        (
            ["SIDECAR_PINNED_PUBLIC_KEY": "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="], "tls",
            "SIDECAR_PINNED_PUBLIC_KEY"
        ),
        (
            ["SIDECAR_RESOLVE": "localhost:443:127.0.0.1", "SIDECAR_UPSTREAM_PROXY": "http://127.0.0.1:1"], "tls",
            "SIDECAR_UPSTREAM_PROXY"
        ),
        (["SIDECAR_CLIENT_SECRET": "canary"], "access token", "SIDECAR_CLIENT_SECRET"),
        (["SIDECAR_STORE_URL": "sqlite:/dev/null/a/s.db"], "store", "SIDECAR_STORE_URL"),
        (["SIDECAR_LISTEN": "unix:/nowhere/s"], "listen", "its folder does not exist"),
        (["SIDECAR_LISTEN": "unix:/dev/null"], "listen", "something that is no socket is there"),
    ])
    func doctorFinds(_ change: [String: String], _ step: String, _ fix: String) async throws {
        try await Tenant.with { tenant in
            let found = try await run(["doctor"], Sidecar.settings(tenant).merging(change) { $1 })
            #expect(found.code == 1 && findings(found.text)[step] == "WRONG", "\(found.text)")
            #expect(found.text.contains(fix) && !found.text.contains("canary"))
        }
    }

    @Test func doctorFindsAClockThatIsWrong() async throws {
        try await Tenant.with { tenant in
            _ = try await tenant.control("PUT", "/settings", #"{"clock_offset":600}"#)
            let found = try await run(["doctor"], Sidecar.settings(tenant))
            #expect(found.code == 1 && findings(found.text)["clock"] == "WRONG", "\(found.text)")
            #expect(found.text.contains("s behind the tenant's") && found.text.contains("chrony"))
        }
    }

    @Test func doctorFindsAPortThatIsTaken() async throws {
        try await Tenant.with { tenant in
            let port = try #require(tenant.url.split(separator: ":").last)
            let found = try await run(
                ["doctor"], Sidecar.settings(tenant).merging(["SIDECAR_LISTEN": "127.0.0.1:\(port)"]) { $1 })
            #expect(
                found.code == 1 && findings(found.text)["listen"] != nil
                    && found.text.contains("WRONG    127.0.0.1:\(port)"))
        }
    }
}
