// From environment variables to a configuration, or to every fault at once.

import CurlTransport
import FoundationEssentials
import Guard
import Listener
import Logging
import Model
import SessionStores
import Sessions
import TestSupport
import Testing

@testable import App

struct ConfigurationTests {
    private static let minimal = [
        "SIDECAR_TENANT_URL": "https://example.bccastle.com", "SIDECAR_ACCESS_TOKEN": "token",
    ]

    private func faults(_ changes: [String: String?], from base: [String: String] = minimal) -> [String] {
        var environment = base
        for (name, value) in changes { environment["SIDECAR_" + name] = value }
        do throws(ConfigurationFaults) {
            _ = try SidecarConfiguration(environment: environment)
            return []
        } catch { return error.faults.map(\.line) }
    }

    @Test func theDefaults() throws {
        let settings = try SidecarConfiguration(environment: Self.minimal.merging(["HOME": "/h"]) { $1 })
        #expect(settings.listen.map(\.text) == ["127.0.0.1:8180"] && settings.adminListen.text == "127.0.0.1:8181")
        #expect(settings.transport.origin == TenantOrigin(scheme: "https", host: "example.bccastle.com", port: 443))
        #expect(settings.upstreamTimeout == .seconds(30) && settings.transport.connectTimeout == .seconds(3))
        #expect(settings.rotation.grace == .seconds(600) && settings.rotation.refreshWait == .seconds(8))
        #expect(settings.rotation.refreshAhead == .seconds(60) && settings.rotation.minimumInterval == .zero)
        guard case .sqlite(let path) = settings.store else {
            Issue.record("no SQLite")
            return
        }
        #expect(path == "/h/.local/state/ciam-sidecar/sessions.db")
        guard case .fixed = settings.tokenSource else {
            Issue.record("no fixed token")
            return
        }
    }

    @Test func whereTheStoreIs() throws {
        for (variable, expected) in [
            ("STATE_DIRECTORY", "/s/ciam-sidecar/sessions.db"), ("XDG_STATE_HOME", "/s/ciam-sidecar/sessions.db"),
        ] {
            let settings = try SidecarConfiguration(
                environment: Self.minimal.merging([variable: "/s", "HOME": "/h"]) { $1 })
            guard case .sqlite(expected) = settings.store else {
                Issue.record("\(variable)")
                continue
            }
        }
    }

    /// Everything that is wrong, one line each, none of it showing a secret.
    @Test func allFaultsAtOnce() {
        let found = faults([
            "TENANT_URL": nil, "ACCESS_TOKEN": "canary secret", "LISTEN": "8180", "REFRESH_WAIT": "8 s",
            "MAX_BODY": "-1",
            "TENANT_ULR": "x",
            "STORE_URL": "mysql:x", "STORE_KEY": "canary", "LOG_LEVEL": "loud", "ALLOW_NON_LOOPBACK": "yes",
        ])
        #expect(
            found == [
                "SIDECAR_TENANT_ULR: is not a setting; did you mean SIDECAR_TENANT_URL?",
                "SIDECAR_TENANT_URL: is required: the tenant's address, such as https://example.bccastle.com",
                "SIDECAR_ACCESS_TOKEN: holds white space or characters beyond ASCII",
                "SIDECAR_ALLOW_NON_LOOPBACK: is \"yes\"; it has to be true or false",
                "SIDECAR_LISTEN: has an element that is neither host:port nor unix:/path",
                "SIDECAR_STORE_URL: has to be sqlite:PATH, memory:, redis://host:port, rediss://host:port (TLS) or redis+unix:///PATH",
                "SIDECAR_STORE_KEY: has to be 32 bytes in base64, such as `openssl rand -base64 32` prints",
                "SIDECAR_REFRESH_WAIT: is \"8 s\"; it has to be a duration such as 250ms, 8s, 5m or 12h",
                "SIDECAR_MAX_BODY: is \"-1\"; it has to be a size such as 4096, 64KiB, 1MiB or 1GiB",
                "SIDECAR_LOG_LEVEL: is \"loud\"; it has to be debug or info or warning or error",
            ])
        #expect(!found.joined().contains("canary"))
    }

    @Test(arguments: [
        ("http://example.com", "must begin with https:// (http:// only with SIDECAR_ALLOW_INSECURE_TENANT=true)"),
        ("example.com", "must begin with https://"),
        ("https://", "has no valid host name"), ("https://user:pw@example.com", "must not hold a user or password"),
        ("https://example.com/path", "must end after the host or port: no path, query or fragment"),
        ("https://example.com?x", "must end after the host or port: no path, query or fragment"),
        ("https://example.com:0", "has a port that is no number from 1 to 65535"),
        ("https://exa mple.com", "holds white space or characters beyond ASCII"),
        ("https://exämple.com", "holds white space or characters beyond ASCII"),
        ("https://exa_mple.com", "has no valid host name"),
        ("", "is empty; remove it or give it a value"),
    ])
    func tenantAddresses(_ address: String, _ problem: String) {
        #expect(faults(["TENANT_URL": address]) == ["SIDECAR_TENANT_URL: " + problem])
    }

    @Test func tenantAddressesThatAreFine() throws {
        for (address, expected) in [
            ("https://Example.com/", "https://example.com"), ("https://e.com:8443", "https://e.com:8443"),
            ("https://[::1]:9", "https://[::1]:9"),
        ] {
            let settings = try SidecarConfiguration(
                environment: Self.minimal.merging(["SIDECAR_TENANT_URL": address]) { $1 })
            #expect(settings.transport.origin.text == expected)
        }
        #expect(faults(["TENANT_URL": "http://localhost:1", "ALLOW_INSECURE_TENANT": "true"]).isEmpty)
    }

    @Test func namesThatMeanNothing() {
        #expect(faults(["LOG_LEVLE": "x"]) == ["SIDECAR_LOG_LEVLE: is not a setting; did you mean SIDECAR_LOG_LEVEL?"])
        #expect(faults(["FOO": "x"]) == ["SIDECAR_FOO: is not a setting; `ciam-sidecar config` lists them"])
    }

    @Test func exactlyOneSourceOfAccessTokens() {
        #expect(
            faults(["ACCESS_TOKEN": nil]) == [
                "SIDECAR_ACCESS_TOKEN: or SIDECAR_CLIENT_ID with SIDECAR_CLIENT_SECRET is required: one source of access tokens"
            ])
        #expect(
            faults(["CLIENT_SECRET": "s", "CLIENT_ID": "i"]) == [
                "SIDECAR_CLIENT_SECRET: and a fixed access token are both set; keep one source of access tokens"
            ])
        #expect(
            faults(["ACCESS_TOKEN": nil, "CLIENT_SECRET": "s"]) == [
                "SIDECAR_CLIENT_ID: is required with SIDECAR_CLIENT_SECRET"
            ])
        #expect(
            faults(["ACCESS_TOKEN_FILE": "/x"]) == [
                "SIDECAR_ACCESS_TOKEN: and SIDECAR_ACCESS_TOKEN_FILE are both set; keep one"
            ])
        // The public id alone is fine beside any source.
        #expect(faults(["CLIENT_ID": "public"]).isEmpty)
    }

    @Test func beyondLoopbackOnlyWithBoth() {
        let problem =
            "SIDECAR_LISTEN: 0.0.0.0:8180 is not loopback; that needs SIDECAR_ALLOW_NON_LOOPBACK=true and SIDECAR_LOCAL_TOKEN"
        #expect(faults(["LISTEN": "0.0.0.0:8180"]) == [problem])
        #expect(faults(["LISTEN": "0.0.0.0:8180", "ALLOW_NON_LOOPBACK": "true"]) == [problem])
        #expect(faults(["LISTEN": "0.0.0.0:8180", "LOCAL_TOKEN": "t"]) == [problem])
        #expect(faults(["LISTEN": "0.0.0.0:8180", "ALLOW_NON_LOOPBACK": "true", "LOCAL_TOKEN": "t"]).isEmpty)
        #expect(faults(["LISTEN": "127.0.0.2:1,[::1]:2, unix:/run/s.sock", "ADMIN_LISTEN": "0.0.0.0:3"]).isEmpty)
    }

    @Test func secretsInFiles() async throws {
        try await withTestFolder { folder in
            try Data("from-file\r\n".utf8).write(to: URL(filePath: folder + "/secret"))
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/link", withDestinationPath: folder + "/secret")
            try Data().write(to: URL(filePath: folder + "/empty"))
            let settings = try SidecarConfiguration(
                environment: Self.minimal.merging(["SIDECAR_LOCAL_TOKEN_FILE": folder + "/link"]) { $1 })
            #expect(settings.guardPolicy.localToken == (try .sample("from-file")))
            #expect(
                faults(["LOCAL_TOKEN_FILE": folder + "/link", "LOCAL_TOKEN": "x"]) == [
                    "SIDECAR_LOCAL_TOKEN: and SIDECAR_LOCAL_TOKEN_FILE are both set; keep one"
                ])
            #expect(
                faults(["LOCAL_TOKEN_FILE": folder + "/none"]) == [
                    "SIDECAR_LOCAL_TOKEN_FILE: \(folder)/none cannot be read: No such file or directory"
                ])
            #expect(
                faults(["LOCAL_TOKEN_FILE": folder + "/empty"]) == [
                    "SIDECAR_LOCAL_TOKEN_FILE: \(folder)/empty is empty"
                ])
            #expect(
                faults(["CA_FILE": folder + "/none"]) == [
                    "SIDECAR_CA_FILE: \(folder)/none cannot be read: No such file or directory"
                ])
        }
    }

    @Test(arguments: ["250ms", "8s", "5m", "12h", "0s"])
    func durations(_ text: String) { #expect(faults(["REFRESH_WAIT": text]).isEmpty) }

    @Test(arguments: ["8", "8S", "-8s", "+8s", "8.5s", "s", "8 s", "٨s", "99999999999s"])
    func noDurations(_ text: String) { #expect(faults(["REFRESH_WAIT": text]).count == 1) }

    @Test func everySettingIsRead() {
        // A setting in the table that nobody reads would take any nonsense: each of these is refused for what it is.
        let free: Set = [
            "TENANT_ID", "CLIENT_ID", "USER_HEADER", "ALLOWED_HOSTS", "ALLOWED_ORIGINS", "OPERATING_SYS_VERSION",
            "DEVICE_IP", "AGENT",
            "DEVICE_FINGERPRINT", "FINGERPRINT_KEY",
        ].map { "SIDECAR_" + $0 }.reduce(into: Set<String>()) { $0.insert($1) }
        for setting in Setting.all {
            let name = String(setting.name.dropFirst(8))
            #expect(faults([name: ""]).contains { $0.hasPrefix(setting.name + ":") }, "\(setting.name) is not read")
            if !free.contains(setting.name) {
                #expect(!faults([name: "\u{1}"]).isEmpty, "\(setting.name) takes anything")
            }
        }
    }
}

struct LogLinesTests {
    @Test func oneLineWhateverTheValues() {
        let values: [String: String] = [
            "a": "x", "b": "two words", "c": "q\"\\", "d": "line\nfeed\u{1B}[31mé", "e": "",
        ]
        let line = LogLines.text(.warning, "something happened", values.mapValues { .string($0) }, at: .sample)
        #expect(
            text(line)
                == #"2027-01-15T08:00:00Z warning something happened a=x b="two words" c="q\"\\" d=line\x0afeed\x1b[31m\xc3\xa9 e="""#
                + "\n")
    }

    @Test func longValuesAreCut() {
        #expect(
            LogLines.shown(String(repeating: "a", count: 1 << 20)) == bytes(String(repeating: "a", count: 200) + "..."))
    }

    /// One line of JSON whatever the values hold; numbers are numbers, what only looks like one is text.
    @Test(arguments: [
        ("200", "200"), ("1.25", "1.25"), ("0", "0"), ("007", #""007""#), ("1e5", #""1e5""#), ("-1", #""-1""#),
        ("", #""""#),
        ("1.", #""1.""#), ("1.2.3", #""1.2.3""#), ("123456789012345678", #""123456789012345678""#),
        ("a\"b\\c\nd", #""a\"b\\c\u000ad""#), ("é", #""é""#),
    ])
    func json(_ value: String, _ expected: String) {
        let line = LogLines.json(.info, "happened", ["value": .string(value)], at: .sample)
        #expect(
            text(line)
                == #"{"time":"\#(Timestamp.sample.rfc3339)","level":"info","message":"happened","value":\#(expected)}"#
                + "\n")
    }

    /// Cut between characters.
    @Test func aLongValueInJSON() {
        let line = text(LogLines.json(.info, "m", ["value": .string(String(repeating: "é", count: 500))], at: .sample))
        #expect(line.hasSuffix(String(repeating: "é", count: 100) + "...\"}\n"))
    }
}

struct HTTPDateTests {
    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"),
            ("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
            ("Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29T23:59:59Z"),
            ("Fri, 31 Dec 2100 12:00:00 GMT", "2100-12-31T12:00:00Z"),
            ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("Sun Nov  6 08:49:37 1994", nil),
            ("Sun, 06 Nov 1994 08:49:37 CET", nil),
            ("Sun, 06 Nov 1994 8:49 GMT", nil), ("", nil), ("Sun, 6x Nov 1994 08:49:37 GMT", nil),
        ] as [(String, String?)])
    func dates(_ given: String, _ expected: String?) {
        #expect(HTTPDate.read(bytes(given)[...])?.rfc3339 == expected)
    }
}

/// The settings of a store that replicas share.
struct SharedStoreSettingsTests {
    private static let minimal = [
        "SIDECAR_TENANT_URL": "https://example.bccastle.com", "SIDECAR_ACCESS_TOKEN": "token",
        "SIDECAR_STORE_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ]

    private func read(_ more: [String: String], without name: String? = nil) -> Result<
        SidecarConfiguration, ConfigurationFaults
    > {
        var environment = Self.minimal.merging(more) { $1 }
        if let name { environment[name] = nil }
        do throws(ConfigurationFaults) { return .success(try SidecarConfiguration(environment: environment)) } catch {
            return .failure(error)
        }
    }

    @Test(arguments: [
        ("redis://cache", "redis://cache:6379/0"), ("redis://cache:7000/3", "redis://cache:7000/3"),
        ("rediss://CACHE.internal", "rediss://cache.internal:6379/0"), ("redis://[::1]:7000", "redis://[::1]:7000/0"),
        ("redis://[::1]", "redis://[::1]:6379/0"), ("redis+unix:///run/redis.sock", "redis+unix:///run/redis.sock"),
    ])
    func addresses(_ text: String, _ shown: String) throws {
        let settings = try read(["SIDECAR_STORE_URL": text]).get()
        guard case .redis(let redis) = settings.store else {
            Issue.record("no Redis")
            return
        }
        #expect(redis.text == shown && redis.namespace == "example.bccastle.com")
    }

    @Test(arguments: [
        ("redis://user:canary@cache", "holds a user or password"), ("redis://a:1,b:2", "names several servers"),
        ("redis://cache/x", "has to end after the port"), ("redis://", "has no valid host and port"),
        ("redis://cache:0", "has no valid host and port"), ("redis+unix://relative", "has to be sqlite:PATH"),
        ("sentinel://cache", "has to be sqlite:PATH"),
    ])
    func wrongAddresses(_ text: String, _ problem: String) throws {
        guard case .failure(let faults) = read(["SIDECAR_STORE_URL": text]) else {
            Issue.record("taken")
            return
        }
        #expect(faults.faults.count == 1 && faults.faults[0].line.hasPrefix("SIDECAR_STORE_URL: \(problem)"))
        #expect(!faults.faults[0].line.contains("canary"))
    }

    @Test(arguments: [
        (
            ["SIDECAR_STORE_URL": "memory:", "SIDECAR_STORE_DOWN": "allow"],
            "SIDECAR_STORE_DOWN: is for a shared store alone"
        ),
        (
            ["SIDECAR_STORE_URL": "redis://a", "SIDECAR_STORE_USER": "u"],
            "SIDECAR_STORE_USER: needs SIDECAR_STORE_PASSWORD"
        ),
        (
            ["SIDECAR_STORE_URL": "redis://a", "SIDECAR_STORE_CA_FILE": "/dev/null"],
            "SIDECAR_STORE_CA_FILE: is for rediss://"
        ),
        (
            ["SIDECAR_STORE_URL": "rediss://a", "SIDECAR_STORE_CLIENT_CERT_FILE": "/dev/null"],
            "SIDECAR_STORE_CLIENT_CERT_FILE: needs SIDECAR_STORE_CLIENT_KEY_FILE"
        ),
        (
            ["SIDECAR_STORE_URL": "rediss://a", "SIDECAR_STORE_CA_FILE": "/dev/null"],
            "SIDECAR_STORE_CA_FILE: /dev/null holds no certificate"
        ),
        (["SIDECAR_STORE_URL": "redis://a", "SIDECAR_STORE_NAMESPACE": "a b"], "SIDECAR_STORE_NAMESPACE: has to be"),
    ])
    func whatDoesNotGoTogether(_ settings: [String: String], _ line: String) throws {
        guard case .failure(let faults) = read(settings) else {
            Issue.record("taken")
            return
        }
        #expect(faults.faults.contains { $0.line.hasPrefix(line) })
    }

    @Test func theKeyIsRequired() throws {
        guard case .failure(let faults) = read(["SIDECAR_STORE_URL": "redis://a"], without: "SIDECAR_STORE_KEY") else {
            Issue.record("taken")
            return
        }
        #expect(faults.faults.map(\.name) == ["SIDECAR_STORE_KEY"])
    }

    // MARK: files of certificates and keys

    /// What libcurl would only find wrong at the next connection, while a reload says that all is well.
    @Test func certificatesAndKeysAreLookedAt() async throws {
        try await withTestFolder { folder in
            let made = try await SelfSignedCertificate.make(in: folder)
            let (certificate, key) = try (text(made.certificate), text(made.key))
            let legacy =
                "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n"
            let fine = [
                (certificate, key), ("a name\n" + certificate + certificate, "\n" + key + certificate),
                (certificate, legacy),
                (certificate.replacing("\n", with: "\r\n"), key.replacing("PRIVATE KEY", with: "EC PRIVATE KEY")),
            ]
            for (certificate, key) in fine {
                guard case .success = try read(certificate, key, in: folder) else {
                    Issue.record("refused: \(certificate) \(key)")
                    continue
                }
            }
            let cut = "holds a certificate that is cut or garbled"
            let wrong = [
                ("root:x:0:0", "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"),
                ("", "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"),
                (key, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"),
                (String(certificate.dropLast(30)), cut), (certificate + certificate.prefix(200), cut),
                (certificate.replacing("MII", with: "MIJ"), cut), (certificate.replacing("\n", with: "\n#"), cut),
            ]
            for (bad, problem) in wrong {
                guard case .failure(let faults) = try read(bad, key, in: folder) else {
                    Issue.record("taken: \(bad)")
                    continue
                }
                let lines = ["SIDECAR_CA_FILE", "SIDECAR_CLIENT_CERT_FILE"].map {
                    "\($0): \(folder)/read.pem \(problem)"
                }
                #expect(faults.faults.map(\.line) == lines)
            }
            for (bad, problem) in [
                (certificate, "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)"),
                (String(key.dropLast(30)), "holds a private key that is cut or garbled"),
            ] {
                guard case .failure(let faults) = try read(certificate, bad, in: folder) else {
                    Issue.record("taken: \(bad)")
                    continue
                }
                #expect(faults.faults.map(\.line) == ["SIDECAR_CLIENT_KEY_FILE: \(folder)/read.key \(problem)"])
            }
        }
    }

    private func read(_ certificate: String, _ key: String, in folder: String) throws -> Result<
        SidecarConfiguration, ConfigurationFaults
    > {
        let files = (folder + "/read.pem", folder + "/read.key")
        try Data(certificate.utf8).write(to: URL(filePath: files.0))
        try Data(key.utf8).write(to: URL(filePath: files.1))
        return read([
            "SIDECAR_CA_FILE": files.0, "SIDECAR_CLIENT_CERT_FILE": files.0, "SIDECAR_CLIENT_KEY_FILE": files.1,
        ])
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
}
