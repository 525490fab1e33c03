// A running emulator, over TLS, as curl sees it: the whole round, and every fault.
import FoundationEssentials
import TenantEmulator
import Testing

struct EmulatorWireTests {
    /// Runs `body` against an emulator of its own.
    private func withEmulator(
        _ version: WireVersion, _ body: (CurlProbe) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/tenant-emulator-" + UUID().uuidString
        let emulator = try await RunningEmulator.start(configuration: EmulatorConfiguration(directory: directory))
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(CurlProbe(emulator: emulator, version: version)))
        } catch {
            result = .failure(error)
        }
        await emulator.stop()
        try? FileManager.default.removeItem(atPath: directory)
        try result.get()
    }

    @Test(arguments: WireVersion.allCases)
    func theWholeRound(version: WireVersion) async throws {
        try await withEmulator(version) { probe in
            let url = probe.emulator.url
            let token = try await probe.curl([
                "-d", "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret",
                url + "/api/v2/tenant/token",
            ])
            #expect(token.exit == 0 && token.status == 200)
            #expect(token.version == (version == .http2 ? "2" : "1.1"))
            let bearer = try #require(token.json?["access_token"]?.string)
            let device = [
                "X-operating-sys-version: 12", "X-device-fingerprint: phone", "X-agent: curl",
                "X-client-id: demo-client",
            ]
            let login = try await probe.post(
                "/api/v2/sdk/login", headers: device, body: #"{"user_name":"alice","password":"demo-password"}"#)
            let first = try #require(login.json?["session_token"]?.string)
            let refreshed = try await probe.post(
                "/api/v2/tenant/sso/session-token/refresh", bearer: bearer,
                body: CurlProbe.device("session_token", first))
            let second = try #require(refreshed.json?["session_token"]?.string)
            let bought = try await probe.post(
                "/api/v2/tenant/sso/session-token/sso-ticket", bearer: bearer,
                body: CurlProbe.device("session_token", second))
            let ticket = try #require(bought.json?["sso_ticket"]?.string)
            let verified = try await probe.post(
                "/api/v2/tenant/sso/sso-ticket/verify", bearer: bearer, body: CurlProbe.device("sso_ticket", ticket))
            #expect(verified.json?["userName"]?.string == "alice")
            let exchanged = try await probe.post(
                "/api/v2/sdk/sso/session-token/id-token", headers: device + ["session-token: \(second)"], body: "")
            #expect(exchanged.json?["id_token"]?.string != nil)
            let reused = try await probe.post(
                "/api/v2/tenant/sso/session-token/refresh", bearer: bearer,
                body: CurlProbe.device("session_token", first))
            #expect(reused.status == 400)
            #expect(reused.json?["error_code"]?.string == "IDAAS.SDK.PARAM.0023")
            #expect(try await probe.count("reuse") == 1)
            #expect(try await probe.count("requests") == 7)
            let session = try await probe.control("GET", "/sessions/alice")
            #expect(session?["generation"]?.int == 2)
            #expect(session?["presentations"]?["0"]?.int == 2)
        }
    }

    @Test func theCertificateIsVerified() async throws {
        try await withEmulator(.http1) { probe in
            let byAddress = probe.emulator.url.replacing("localhost", with: "127.0.0.1")
            #expect(try await probe.curl([byAddress + "/api/v2/sdk/echo"]).status == 200)
            let distrusting = try await probe.curl(["--cacert", "/etc/ssl/certs/ca-certificates.crt", byAddress])
            #expect(distrusting.exit == 60)
            let old = try await probe.curl(["--tls-max", "1.1", byAddress])
            #expect(old.exit == 35)
        }
    }

    @Test func theEchoKeepsOrderAndCase() async throws {
        try await withEmulator(.http1) { probe in
            let echo = try await probe.curl([
                "-H", "X-ONE: 1", "-H", "x-Two:  2 ", probe.emulator.url + "/api/v2/sdk/echo",
            ])
            let names = echo.json?["headers"]?.items?.compactMap { $0[0]?.string } ?? []
            #expect(Array(names.suffix(2)) == ["X-ONE", "x-Two"])
        }
    }

    /// curl's exit statuses: 18 partial, 52 nothing, 55/56 send/receive failure, 92 stream, 16 HTTP/2 framing.
    @Test(arguments: WireVersion.allCases)
    func lostAnswers(version: WireVersion) async throws {
        try await withEmulator(version) { probe in
            let token = try await probe.prepare()
            _ = try await probe.control("POST", "/faults", #"{"kind":"reset-before","user":"alice"}"#)
            let unprocessed = try await probe.refresh(token)
            #expect([16, 35, 52, 55, 56, 92].contains(unprocessed.exit))
            #expect(try await probe.count("refreshes") == 0)
            _ = try await probe.control("POST", "/faults", #"{"kind":"reset-after"}"#)
            let lost = try await probe.refresh(token)
            #expect([16, 35, 52, 55, 56, 92].contains(lost.exit))
            #expect(try await probe.count("refreshes") == 1)
            let next = try await probe.control("GET", "/sessions/alice")?["session_token"]?.string
            _ = try await probe.control("POST", "/faults", #"{"kind":"truncate","bytes":5}"#)
            let cut = try await probe.refresh(try #require(next))
            #expect(cut.exit != 0 && cut.status == 200)
            #expect(cut.body == #"{"ses"#)
            #expect(try await probe.count("faults_fired") == 3)
            #expect(try await probe.count("concurrent_presentations") == 0)
        }
    }

    @Test(arguments: WireVersion.allCases)
    func replacedAnswers(version: WireVersion) async throws {
        try await withEmulator(version) { probe in
            let token = try await probe.prepare()
            _ = try await probe.control("POST", "/faults", #"{"kind":"status","status":503,"retry_after":7}"#)
            let refused = try await probe.refresh(token)
            #expect(refused.status == 503)
            #expect(try await probe.count("refreshes") == 0)
            _ = try await probe.control("POST", "/faults", #"{"kind":"status-after","status":500,"body":"oops"}"#)
            let hidden = try await probe.refresh(token)
            #expect(hidden.status == 500 && hidden.body == "oops")
            #expect(try await probe.count("refreshes") == 1)
            _ = try await probe.control("POST", "/faults", #"{"kind":"drip","ms":1}"#)
            let next = try await probe.control("GET", "/sessions/alice")?["session_token"]?.string
            let dripped = try await probe.refresh(try #require(next))
            #expect(dripped.exit == 0 && dripped.json?["session_token"] != nil)
            let bytes = #"HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nhi"#
            _ = try await probe.control("POST", "/faults", #"{"kind":"raw","text":"\#(bytes)"}"#)
            let raw = try await probe.refresh("x")
            #expect(version == .http1 ? raw.status == 299 && raw.body == "hi" : raw.exit != 0)
            let last = try await probe.control("GET", "/requests?limit=1")
            #expect(last?[0]?["outcome"]?.string == "unprocessed")
            #expect(last?[0]?["fault"]?.string == "raw")
        }
    }

    @Test(arguments: WireVersion.allCases)
    func heldRequestsAreSeenAndReleased(version: WireVersion) async throws {
        try await withEmulator(version) { probe in
            let token = try await probe.prepare()
            _ = try await probe.control("POST", "/faults", #"{"kind":"hold","count":2}"#)
            async let one = probe.refresh(token)
            async let two = probe.refresh(token)
            try await probe.waitForParked(2)
            #expect(try await probe.count("refreshes") == 0)
            #expect(try await probe.count("concurrent_presentations") == 1)
            let released = try await probe.control("POST", "/faults/release")
            #expect(released?["released"]?.int == 2)
            let statuses = try await [one.status, two.status].sorted()
            #expect(statuses == [200, 400])
            #expect(try await probe.count("reuse") == 1)
        }
    }

    @Test(arguments: WireVersion.allCases)
    func aHeldAnswerHasBeenProcessed(version: WireVersion) async throws {
        try await withEmulator(version) { probe in
            let token = try await probe.prepare()
            _ = try await probe.control("POST", "/faults", #"{"kind":"hold-after","path":"/api/v2/tenant/sso/"}"#)
            async let held = probe.refresh(token)
            try await probe.waitForParked(1)
            #expect(try await probe.count("refreshes") == 1)
            _ = try await probe.control("DELETE", "/faults")
            #expect(try await held.status == 200)
        }
    }

    @Test(arguments: WireVersion.allCases)
    func aCallerThatGivesUpIsOutOfTheAirButStillProcessed(version: WireVersion) async throws {
        try await withEmulator(version) { probe in
            let token = try await probe.prepare()
            for (ending, refreshes) in [("drop", 0), ("process", 1)] {
                _ = try await probe.control("POST", "/faults", #"{"kind":"hold","if_client_gone":"\#(ending)"}"#)
                let impatient = try await probe.refresh(token, maximum: "0.5")
                #expect(impatient.exit == 28)
                #expect(try await probe.control("POST", "/faults/release")?["released"]?.int == 1)
                #expect(try await probe.count("refreshes") == refreshes)
            }
            #expect(try await probe.count("concurrent_presentations") == 0)
        }
    }

    @Test func stoppingLetsHeldRequestsGo() async throws {
        try await withEmulator(.http1) { probe in
            let token = try await probe.prepare()
            _ = try await probe.control("POST", "/faults", #"{"kind":"hold"}"#)
            async let held = probe.refresh(token)
            try await probe.waitForParked(1)
            await probe.emulator.stop()
            _ = try await held
            #expect(try await probe.curl([probe.emulator.url]).exit == 7)
        }
    }

    @Test func delaysKeepAPresentationInTheAir() async throws {
        try await withEmulator(.http1) { probe in
            let token = try await probe.prepare()
            _ = try await probe.control("POST", "/faults", #"{"kind":"delay-after","ms":1500}"#)
            _ = try await probe.control("POST", "/faults", #"{"kind":"delay","ms":1500}"#)
            async let one = probe.refresh(token)
            async let two = probe.refresh(token)
            let statuses = try await [one.status, two.status].sorted()
            #expect(statuses == [200, 400])
            #expect(try await probe.count("concurrent_presentations") == 1)
        }
    }

    @Test func settingsSessionsAndTokensCanBeChanged() async throws {
        try await withEmulator(.http1) { probe in
            let token = try await probe.prepare()
            #expect(try await probe.control("PUT", "/settings", #"{"expire_field":"x"}"#)?["error"] != nil)
            _ = try await probe.control("PUT", "/settings", #"{"expire_field":"absent","connection_close":true}"#)
            let answer = try await probe.refresh(token)
            #expect(answer.status == 200 && answer.json?["expire"] == nil)
            _ = try await probe.control("DELETE", "/sessions/alice")
            let ended = try await probe.refresh(answer.json?["session_token"]?.string ?? "")
            #expect(ended.json?["error_code"]?.string == "IDAAS.SDK.PARAM.0023")
            _ = try await probe.control("POST", "/access-tokens/expire")
            let expired = try await probe.refresh(token)
            #expect(expired.json?["error_description"]?.string == "Access token expired:static")
            #expect(try await probe.control("POST", "/faults", #"{"kind":"nap"}"#)?["error"] != nil)
        }
    }
}
