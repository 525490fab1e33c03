// Starting, failing to start, and ending: one clear line each, and the right exit code.

import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct StartTests {
    private static let nowhere = [
        "SIDECAR_TENANT_URL": "https://127.0.0.1:1", "SIDECAR_ACCESS_TOKEN": "canary-token",
        "SIDECAR_STORE_URL": "memory:",
        "SIDECAR_LISTEN": "127.0.0.1:0", "SIDECAR_ADMIN_LISTEN": "127.0.0.1:0",
    ]

    @Test func aMissingVariableAndABadURL() async throws {
        let missing = try await Programs.runToEnd("ciam-sidecar")
        #expect(missing.exitCode == 78)
        #expect(
            missing.lines == [
                "ciam-sidecar: SIDECAR_TENANT_URL: is required: the tenant's address, such as https://example.bccastle.com",
                "ciam-sidecar: SIDECAR_ACCESS_TOKEN: or SIDECAR_CLIENT_ID with SIDECAR_CLIENT_SECRET is required: one source of access tokens",
            ])
        let bad = try await Programs.runToEnd(
            "ciam-sidecar", environment: Self.nowhere.merging(["SIDECAR_TENANT_URL": "https://x/y"]) { $1 })
        #expect(bad.exitCode == 78)
        #expect(
            bad.lines == [
                "ciam-sidecar: SIDECAR_TENANT_URL: must end after the host or port: no path, query or fragment"
            ])
    }

    @Test func anUnknownOption() async throws {
        let end = try await Programs.runToEnd("ciam-sidecar", ["--nonsense"])
        #expect(end.exitCode == 64)
        let help = try await Programs.runToEnd("ciam-sidecar", ["--help"])
        #expect(help.exitCode == 0 && help.lines.contains { $0.contains("SIDECAR_*") })
    }

    @Test func anUnreachableTenantIsNoReasonNotToStart() async throws {
        let (_, end) = try await Sidecar.with(Self.nowhere) { sidecar in
            let refused = try await sidecar.post("/api/v2/tenant/users")
            #expect(refused.status == 502 && refused.member("error_code") == "SIDECAR.UPSTREAM_UNREACHABLE")
            #expect(try await sidecar.admin("/livez").status == 200)
            #expect(try await sidecar.admin("/readyz").status == 200)
        }
        #expect(end.exitCode == 0)
        #expect(!end.lines.joined().contains("canary"))
    }

    /// Whoever sends requests as soon as it says that it is ready is served: it listens everywhere before it says so.
    @Test func readyMeansListening() async throws {
        let adminPort = try await freePort()
        var ports: [Int] = []
        for _ in 0..<8 { ports.append(try await freePort()) }
        let listens = [
            "SIDECAR_LISTEN": ports.map { "127.0.0.1:\($0)" }.joined(separator: ","),
            "SIDECAR_ADMIN_LISTEN": "127.0.0.1:\(adminPort)",
        ]
        // After the admin port, which is the first, each one takes its time; between two of them the admin port is served.
        let slowly = Programs.tracer("listen", injecting: "delay_enter=500ms:when=2+")
        let settings = Self.nowhere.merging(listens) { $1 }
        _ = try await Programs.run("ciam-sidecar", under: slowly, environment: settings) { _ in
            try await Curl.untilReady(adminPort)
            let refused = try await Curl.run(["http://127.0.0.1:\(ports[7])/api/v2/tenant/users"])
            #expect(refused.member("error_code") == "SIDECAR.UPSTREAM_UNREACHABLE", "\(refused)")
        }
    }

    /// Without a descriptor for what wakes it nothing could ever be sent: it ends and says so.
    @Test func noDescriptorForTheWayToTheTenant() async throws {
        // The second that a thread of an event loop asks for; the first is the event loop's own.
        let knife = Programs.tracer("eventfd2", injecting: "error=EMFILE:when=2+")
        let end = try await Programs.runToEnd("ciam-sidecar", under: knife, environment: Self.nowhere)
        #expect(end.exitCode == 69)
        #expect(end.lines.last?.hasSuffix("is the system out of memory or file descriptors?") == true)
    }

    @Test func withoutAnAccessTokenItIsNotReadyAndSaysWhy() async throws {
        var settings = Self.nowhere.merging(["SIDECAR_CLIENT_ID": "x", "SIDECAR_CLIENT_SECRET": "canary"]) { $1 }
        settings["SIDECAR_ACCESS_TOKEN"] = nil
        let (_, end) = try await Sidecar.with(settings) { sidecar in
            let ready = try await sidecar.admin("/readyz")
            #expect(
                ready.status == 503
                    && ready.body == #"{"ready":false,"reasons":["no usable access token is held"]}"# + "\n")
            let refused = try await sidecar.post("/api/v2/tenant/users")
            #expect(refused.status == 503 && refused.member("error_code") == "SIDECAR.NO_ACCESS_TOKEN")
        }
        #expect(
            end.lines.contains {
                $0.hasSuffix(
                    #"warning access token not fetched; trying again (ciam-sidecar doctor says what to do) reason="unreachable (libcurl 7), nothing sent""#
                )
            })
        #expect(!end.lines.joined().contains("canary"))
    }

    @Test func aTenantOfAnUnknownAuthority() async throws {
        try await Tenant.with { tenant in
            var settings = Sidecar.settings(tenant).merging(["SIDECAR_ACCESS_TOKEN": "t"]) { $1 }
            settings["SIDECAR_CA_FILE"] = nil
            settings["SIDECAR_CLIENT_SECRET"] = nil
            _ = try await Sidecar.with(settings) { sidecar in
                let refused = try await sidecar.post("/api/v2/tenant/users")
                #expect(refused.status == 502 && refused.member("error_code") == "SIDECAR.UPSTREAM_TLS")
            }
            #expect(try await tenant.counters()["requests"] == 0)
        }
    }

    @Test func aBusyPort() async throws {
        _ = try await Sidecar.with(Self.nowhere) { sidecar in
            let data = try await Programs.runToEnd(
                "ciam-sidecar",
                environment: Self.nowhere.merging(["SIDECAR_LISTEN": "127.0.0.1:\(sidecar.port)"]) { $1 })
            #expect(data.exitCode == 69)
            #expect(
                data.lines.last
                    == "ciam-sidecar: SIDECAR_LISTEN: cannot listen on 127.0.0.1:\(sidecar.port): Address already in use; end what listens there, or choose another port"
            )
            let admin = try await Programs.runToEnd(
                "ciam-sidecar",
                environment: Self.nowhere.merging(["SIDECAR_ADMIN_LISTEN": "127.0.0.1:\(sidecar.port)"]) { $1 })
            #expect(admin.exitCode == 69)
            #expect(
                admin.lines.last
                    == "ciam-sidecar: SIDECAR_ADMIN_LISTEN: cannot listen on 127.0.0.1:\(sidecar.port): Address already in use; end what listens there, or choose another port"
            )
        }
    }

    @Test func aStoreThatIsHeldAndOneThatCannotBe() async throws {
        try await withTestFolder { folder in
            let settings = Self.nowhere.merging(["SIDECAR_STORE_URL": "sqlite:\(folder)/s.db"]) { $1 }
            _ = try await Sidecar.with(settings) { sidecar in
                let second = try await Programs.runToEnd("ciam-sidecar", environment: settings)
                #expect(second.exitCode == 69)
                #expect(
                    second.lines.last
                        == "ciam-sidecar: SIDECAR_STORE_URL: \(folder)/s.db.lock is held by another process (pid \(sidecar.program.pid)); stop it or use another file"
                )
            }
            let other = settings.merging(["SIDECAR_STORE_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]) { $1 }
            let wrong = try await Programs.runToEnd("ciam-sidecar", environment: other)
            #expect(wrong.exitCode == 78)
            #expect(
                wrong.lines.last
                    == "ciam-sidecar: SIDECAR_STORE_URL: \(folder)/s.db was sealed with another key; give that one in SIDECAR_STORE_KEY"
            )
            try FileManager.default.removeItem(atPath: "\(folder)/s.db.key")
            let missing = try await Programs.runToEnd("ciam-sidecar", environment: settings)
            #expect(missing.exitCode == 78)
            #expect(
                missing.lines.last?.hasPrefix(
                    "ciam-sidecar: SIDECAR_STORE_URL: \(folder)/s.db.key is missing, and the store beside it is sealed with that key; put it back"
                ) == true)
            // A new one would stand in the way of the right one.
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/s.db.key"))
            let nowhere = try await Programs.runToEnd(
                "ciam-sidecar", environment: settings.merging(["SIDECAR_STORE_URL": "sqlite:/proc/x/s.db"]) { $1 })
            #expect(nowhere.exitCode == 69)
            #expect(
                nowhere.lines.last
                    == "ciam-sidecar: SIDECAR_STORE_URL: /proc/x: No such file or directory; name a file that this user can make, read and write"
            )
        }
    }

    /// Proxies, authorities and credentials of the environment are other programs' business (reliability TLS-13).
    @Test func theEnvironmentIsIgnored() async throws {
        try await Tenant.with { tenant in
            let settings = Sidecar.settings(tenant).merging([
                "https_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1",
                "ALL_PROXY": "socks5://127.0.0.1:1",
                "CURL_CA_BUNDLE": "/dev/null",
                "SSL_CERT_FILE": "/dev/null", "SSLKEYLOGFILE": "/tmp/ciam-sidecar-test-must-not-exist",
                "HOME": "/nonexistent",
            ]) { $1 }
            _ = try await Sidecar.with(settings) { (sidecar) async throws -> Void in
                #expect(try await sidecar.curl([sidecar.url + "/api/v2/tenant/echo"]).status == 200)
            }
            #expect(!FileManager.default.fileExists(atPath: "/tmp/ciam-sidecar-test-must-not-exist"))
        }
    }

    @Test func secretsLeaveTheEnvironment() async throws {
        let settings = Self.nowhere.merging(["SIDECAR_STORE_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]) {
            $1
        }
        _ = try await Sidecar.with(settings) { sidecar in
            let environment = text(
                Array(try #require(FileManager.default.contents(atPath: "/proc/\(sidecar.program.pid)/environ"))))
            #expect(environment.contains("SIDECAR_TENANT_URL"))
            #expect(!environment.contains("canary-token") && !environment.contains("AAAAAAAAAAAA"))
        }
    }

    @Test func theBinaryCarriesNoICU() throws {
        let content = Array(try #require(FileManager.default.contents(atPath: Programs.folder + "/ciam-sidecar")))
        #expect(content.firstRange(of: bytes("libFoundation.so")) == nil)
        #expect(content.firstRange(of: bytes("_FoundationICU")) == nil)
    }
}
