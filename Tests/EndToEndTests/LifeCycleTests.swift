// From start to end: signals, sockets, the service manager, and what the process gives up.

import FoundationEssentials
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Subprocess
import TestSupport
import Testing

@Suite(.serialized) struct LifeCycleTests {
    private static let echo = "/api/v2/tenant/echo"

    /// A process that listens on nothing but what a test says, to a tenant that is not there.
    private static let alone = [
        "SIDECAR_TENANT_URL": "https://127.0.0.1:1", "SIDECAR_ACCESS_TOKEN": "canary-token",
        "SIDECAR_STORE_URL": "memory:",
        "SIDECAR_LISTEN": "127.0.0.1:0", "SIDECAR_ADMIN_LISTEN": "127.0.0.1:0",
    ]

    private func write(_ text: String, _ path: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

    // MARK: signals

    @Test func sighupReadsSecretsAgain() async throws {
        try await withTestFolder { folder in
            try await Tenant.with { tenant in
                let (secret, local) = (folder + "/secret", folder + "/local")
                try write("wrong\n", secret)
                try write("first\n", local)
                var settings = Sidecar.settings(tenant).merging([
                    "SIDECAR_CLIENT_SECRET_FILE": secret, "SIDECAR_LOCAL_TOKEN_FILE": local,
                ]) { $1 }
                settings["SIDECAR_CLIENT_SECRET"] = nil
                let (_, end) = try await Sidecar.with(settings) { sidecar in
                    func status(_ token: String) async throws -> Int {
                        try await sidecar.curl(["-H", "X-Sidecar-Token: \(token)", sidecar.url + Self.echo]).status
                    }
                    #expect(try await status("first") == 503)
                    try write("demo-secret\n", secret)
                    try write("second\n", local)
                    sidecar.program.reload()
                    #expect(await sidecar.program.lines.first { $0.contains("were read again") } != nil)
                    #expect(try await status("first") == 401)
                    #expect(try await status("second") == 200)
                }
                #expect(end.exitCode == 0)
            }
        }
    }

    /// The new secret is tried at a tenant that does not answer: nobody who wants an end waits for that.
    @Test(.timeLimit(.minutes(30))) func aReloadKeepsNoStopWaiting() async throws {
        try await Tenant.with { tenant in
            let settings = Sidecar.settings(tenant).merging(["SIDECAR_UPSTREAM_TIMEOUT": "10m"]) { $1 }
            let (_, end) = try await Sidecar.with(settings) { sidecar in
                #expect(try await sidecar.curl([sidecar.url + Self.echo]).status == 200)
                _ = try await tenant.control("POST", "/faults", #"{"kind":"hold","path":"/api/v2/tenant/token"}"#)
                sidecar.program.reload()
                try await tenant.parked()
                sidecar.program.stop()
                _ = await sidecar.program.lines.first { _ in false }
            }
            #expect(end.exitCode == 0)
        }
    }

    /// What is wrong with the new files leaves everything as it was (reliability SIG-3).
    @Test func aBrokenReloadChangesNothing() async throws {
        try await withTestFolder { folder in
            try await Tenant.with { tenant in
                let file = folder + "/local"
                try write("first\n", file)
                let settings = Sidecar.settings(tenant).merging(["SIDECAR_LOCAL_TOKEN_FILE": file]) { $1 }
                let (_, end) = try await Sidecar.with(settings) { sidecar in
                    try FileManager.default.removeItem(atPath: file)
                    sidecar.program.reload()
                    let line = await sidecar.program.lines.first { $0.contains("not reloaded") }
                    #expect(line?.contains("SIDECAR_LOCAL_TOKEN_FILE: \(file) cannot be read") == true)
                    let answer = try await sidecar.curl(["-H", "X-Sidecar-Token: first", sidecar.url + Self.echo])
                    #expect(answer.status == 200)
                }
                #expect(end.exitCode == 0)
            }
        }
    }

    /// Authorities that cannot be read are found at once, and not by the users at the next connection.
    @Test func brokenAuthoritiesAreNotTakenOver() async throws {
        try await withTestFolder { folder in
            try await Tenant.with { tenant in
                let file = folder + "/ca.pem"
                try FileManager.default.copyItem(atPath: tenant.caFile, toPath: file)
                let change = ["SIDECAR_CA_FILE": file, "SIDECAR_SYSTEM_CA": "false"]
                _ = try await Sidecar.with(Sidecar.settings(tenant).merging(change) { $1 }) { sidecar in
                    #expect(try await sidecar.curl([sidecar.url + Self.echo]).status == 200)
                    try write("garbage\n", file)
                    sidecar.program.reload()
                    let line = await sidecar.program.lines.first {
                        $0.contains("reloaded") || $0.contains("read again")
                    }
                    #expect(line?.contains("SIDECAR_CA_FILE: \(file) holds no certificate in PEM") == true)
                    // Also by whoever has to connect anew.
                    _ = try await tenant.control("POST", "/faults", #"{"kind":"reset-before"}"#)
                    let anew = try await sidecar.curl([sidecar.url + Self.echo])
                    #expect(anew.status == 200, "\(anew) \(sidecar.program.lines.all)")
                }
            }
        }
    }

    /// They are many, and to read them takes as long as twenty handshakes: not for every connection, as long as nothing has changed.
    @Test func theSystemsAuthoritiesAreReadOnce() async throws {
        try await withTestFolder { folder in
            try await Tenant.with { tenant in
                var settings = Sidecar.settings(tenant).merging([
                    "SIDECAR_ACCESS_TOKEN": "t", "SIDECAR_UPSTREAM_HTTP": "1.1",
                ]) { $1 }
                for name in ["CA_FILE", "CLIENT_ID", "CLIENT_SECRET"] { settings["SIDECAR_" + name] = nil }
                let watch = Programs.tracer("openat", to: folder + "/files")
                _ = try await Sidecar.with(settings, under: watch) { sidecar in
                    // The emulator's authority is none of them: each request is a connection of its own.
                    for _ in 0..<5 {
                        let answer = try await sidecar.curl([sidecar.url + Self.echo])
                        #expect(answer.member("error_code") == "SIDECAR.UPSTREAM_TLS")
                    }
                }
                let files = try String(contentsOfFile: folder + "/files", encoding: .utf8)
                #expect(files.ranges(of: "/ca-certificates.crt\"").count == 1)
            }
        }
    }

    /// While everybody learns of it, everything is still served.
    @Test func theDrainDelay() async throws {
        try await Tenant.with { tenant in
            let settings = Sidecar.settings(tenant).merging(["SIDECAR_DRAIN_DELAY": "10m"]) { $1 }
            let (_, end) = try await Sidecar.with(settings) { sidecar in
                #expect(try await sidecar.curl([sidecar.url + Self.echo]).status == 200)
                sidecar.program.stop()
                _ = await sidecar.program.lines.first { $0.contains("shutting down") }
                let ready = try await sidecar.admin("/readyz")
                #expect(ready.status == 503 && ready.body.contains("shutting down"))
                #expect(try await sidecar.curl([sidecar.url + Self.echo]).status == 200)
                // Nobody has to wait for the end of it.
                sidecar.program.stop()
                _ = await sidecar.program.lines.first { _ in false }
            }
            #expect(end.exitCode == 1)
            let short = Sidecar.settings(tenant).merging(["SIDECAR_DRAIN_DELAY": "100ms"]) { $1 }
            let (_, ended) = try await Sidecar.with(short) { sidecar in
                sidecar.program.stop()
                _ = await sidecar.program.lines.first { _ in false }
            }
            #expect(ended.exitCode == 0)
        }
    }

    /// Whoever asks twice means it.
    @Test func aSecondSignalEndsAtOnce() async throws {
        try await Tenant.with { tenant in
            let (_, end) = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                _ = try await tenant.control("POST", "/faults", #"{"kind":"hold","path":"\#(Self.echo)"}"#)
                let held = Task { try await sidecar.curl([sidecar.url + Self.echo]) }
                try await tenant.parked()
                sidecar.program.stop()
                _ = await sidecar.program.lines.first { $0.contains("shutting down") }
                sidecar.program.stop()
                // The program ends with the request in its hands.
                _ = await sidecar.program.lines.first { _ in false }
                #expect(try await held.value.exit != 0)
            }
            #expect(end.exitCode == 1 && end.lines.contains { $0.contains("asked again") })
        }
    }

    @Test func quitIsForThoseWhoWantIt() async throws {
        let (_, end) = try await Sidecar.with(Self.alone.merging(["SIDECAR_ADMIN_QUIT": "true"]) { $1 }) { sidecar in
            #expect(try await sidecar.admin("/quit").status == 405)
            let answer = try await sidecar.curl(["-X", "POST", "http://127.0.0.1:\(sidecar.adminPort)/quit"])
            #expect(answer.status == 200)
            _ = await sidecar.program.lines.first { _ in false }
        }
        #expect(end.exitCode == 0)
        _ = try await Sidecar.with(Self.alone) { sidecar in
            let answer = try await sidecar.curl(["-X", "POST", "http://127.0.0.1:\(sidecar.adminPort)/quit"])
            #expect(answer.status == 405)
        }
    }

    // MARK: unix sockets (reliability PRM-4)

    private func listening(_ path: String) -> [String: String] {
        Self.alone.merging(["SIDECAR_LISTEN": "127.0.0.1:0,unix:\(path)"]) { $1 }
    }

    private func refusal(_ path: String) async throws -> String {
        let end = try await Programs.runToEnd("ciam-sidecar", environment: listening(path))
        #expect(end.exitCode == 69)
        return end.lines.last ?? ""
    }

    @Test func aUnixSocket() async throws {
        try await withTestFolder { folder in
            let path = folder + "/s.sock"
            _ = try await Sidecar.with(listening(path)) { sidecar in
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                #expect(
                    attributes[.posixPermissions] as? UInt16 == 0o660 || attributes[.posixPermissions] as? Int == 0o660)
                let answer = try await sidecar.curl(["--unix-socket", path, "http://localhost/sidecar/v1/users/a"])
                #expect(answer.status == 404)
                #expect(
                    try await refusal(path).hasSuffix("cannot listen on unix:\(path): another process listens there"))
                // A dead process leaves its socket behind; the next one takes its place.
                sidecar.program.kill()
            }
            #expect(FileManager.default.fileExists(atPath: path))
            _ = try await Sidecar.with(listening(path)) { (sidecar) async throws -> Void in
                #expect(try await sidecar.curl(["--unix-socket", path, "http://localhost/"]).status == 403)
            }
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func placesThatAreNoneForASocket() async throws {
        try await withTestFolder { folder in
            let (file, link) = (folder + "/file", folder + "/link")
            try write("keep me", file)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
            for path in [file, link, folder] {
                #expect(try await refusal(path).contains("something that is no socket is there"))
            }
            #expect(FileManager.default.contents(atPath: file) == Data("keep me".utf8))
            #expect(try await refusal(folder + "/none/s.sock").hasSuffix("its folder does not exist"))
            try FileManager.default.setAttributes([.posixPermissions: UInt16(0o777)], ofItemAtPath: folder)
            #expect(try await refusal(folder + "/s.sock").contains("others can write to its folder"))
        }
    }

    // MARK: the service manager

    /// systemd's protocols, spoken by a script: readiness, the watchdog, the end, and a socket that is handed over.
    @Test func systemd() async throws {
        let script = """
            import os, signal, socket, sys, time
            folder, program = sys.argv[1], sys.argv[2]
            notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); notify.bind(folder + "/notify"); notify.settimeout(120)
            listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(16)
            child = os.fork()
            if child == 0:
                os.dup2(listener.fileno(), 3)
                os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", NOTIFY_SOCKET=folder + "/notify", WATCHDOG_USEC="300000")
                os.environ.pop("SIDECAR_LISTEN")
                os.execvp(program, [program])
            def told(): return notify.recv(1000).decode()
            print(told(), [told(), told()])
            # A manager that does not listen for a while holds nothing up.
            time.sleep(2)
            client = socket.create_connection(listener.getsockname(), timeout=120)
            client.sendall(b"GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
            print(client.recv(1000).decode().split("\\r\\n")[0])
            os.kill(child, signal.SIGTERM)
            while (word := told()) != "STOPPING=1": assert word == "WATCHDOG=1", word
            print(word, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            """
        try await withTestFolder { folder in
            let end = try await Programs.runToEnd(
                "python3", ["-c", script, folder, Programs.folder + "/ciam-sidecar"], environment: Self.alone)
            let lines = end.lines.filter { !$0.contains(" info ") && !$0.contains(" notice ") }
            #expect(
                lines == ["READY=1 ['WATCHDOG=1', 'WATCHDOG=1']", "HTTP/1.1 403 Forbidden", "STOPPING=1 0"],
                "\(end.lines)")
        }
    }

    // MARK: what the process gives up

    @Test func noDumpsNoNewPrivilegesAndAllDescriptors() async throws {
        _ = try await Sidecar.with(Self.alone) { sidecar in
            func content(_ name: String) throws -> [String] {
                text(Array(try #require(FileManager.default.contents(atPath: "/proc/\(sidecar.program.pid)/\(name)"))))
                    .split(separator: "\n").map { String($0) }
            }
            let limits = try content("limits")
            let words = { (label: String) in
                limits.first { $0.hasPrefix(label) }?.dropFirst(label.count).split(separator: " ").prefix(2).map {
                    String($0)
                }
            }
            #expect(words("Max core file size") == ["0", "0"])
            let files = words("Max open files")
            #expect(files?.first == files?.last)
            #expect(try content("status").contains { $0.hasPrefix("NoNewPrivs:") && $0.hasSuffix("1") })
        }
    }

    /// A crash says nothing of what was in memory: no report with registers and what they point at, whatever signal it is.
    @Test(arguments: [4, 5, 6, 7, 8, 11]) func aCrashTellsNothing(_ signal: Int32) async throws {
        let (_, end) = try await Sidecar.with(Self.alone) { sidecar in
            sidecar.program.send(signal)
            _ = await sidecar.program.lines.first { _ in false }
        }
        #expect(end.exitCode == nil, "a signal ended it")
        // What it had logged, and not a line more.
        #expect(
            end.lines.allSatisfy { $0.wholeMatch(of: #/\d{4}-\S+Z (debug|info|notice|warning) .*/#) != nil },
            "\(end.lines)")
    }

    /// Another process of the same user cannot look into it: neither at its memory nor at its environment.
    @Test(.enabled(if: isRoot)) func anotherProcessOfTheSameUserSeesNothing() async throws {
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        _ = try await Sidecar.with(Self.alone, under: nobody) { sidecar in
            for name in ["environ", "mem", "maps"] {
                let end = try await Programs.runToEnd(
                    nobody[0], Array(nobody.dropFirst()) + ["head", "-c1", "/proc/\(sidecar.program.pid)/\(name)"])
                #expect(end.exitCode != 0 && end.lines.joined().contains("Permission denied"), "\(name): \(end.lines)")
            }
        }
    }

    /// Whether this is root with the right to a mount namespace of its own.
    private static func mayMount() async throws -> Bool {
        guard isRoot else { return false }
        return try await Programs.runToEnd("unshare", ["--mount", "mount", "--bind", "/", "/"]).exitCode == 0
    }

    private static var isRoot: Bool { FileManager.default.isReadableFile(atPath: "/proc/1/environ") }

    /// Any user, a root file system that takes no writes, memory as the store.
    @Test(.enabled { try await mayMount() }) func anyUserOnAReadOnlyFileSystem() async throws {
        let sandbox = [
            "unshare", "--mount", "sh", "-c",
            "mount -o remount,ro,bind / 2>/dev/null || mount --bind / / && mount -o remount,ro,bind / || exit 3; touch /written 2>/dev/null && exit 4; exec setpriv --reuid=12345 --regid=12345 --clear-groups \"$@\"",
            "sh",
        ]
        let (_, end) = try await Sidecar.with(Self.alone, under: sandbox) { (sidecar) async throws -> Void in
            #expect(try await sidecar.admin("/readyz").status == 200)
        }
        #expect(end.exitCode == 0)
    }

    // MARK: names

    /// A name server that never answers. libcurl 7.88 waits for a look-up that it has given up, and so would every other request.
    @Test(.enabled { try await mayMount() }) func aLookUpThatNeverEndsHoldsNobodyUp() async throws {
        let server = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.77.0.53", port: 53).get()
        try await withTestFolder { folder in
            let names = "\(folder)/resolv.conf"
            // Together ten minutes.
            try "nameserver 127.77.0.53\noptions timeout:30 attempts:20\n".write(
                toFile: names, atomically: true, encoding: .utf8)
            let elsewhere = [
                "unshare", "--mount", "sh", "-c", "mount --bind \(names) /etc/resolv.conf || exit 3; exec \"$@\"", "sh",
            ]
            let settings = Self.alone.merging([
                "SIDECAR_TENANT_URL": "https://tenant.example.org", "SIDECAR_CONNECT_TIMEOUT": "1s",
            ]) { $1 }
            let (_, end) = try await Sidecar.with(settings, under: elsewhere) { (sidecar) async throws -> Void in
                for _ in 0..<3 {
                    let answer = try await sidecar.curl([sidecar.url + "/api/v2/sdk/echo"])
                    #expect(answer.status == 504, "\(answer)")
                }
            }
            #expect(end.exitCode == 0)
        }
        try await server.close()
    }
}
