// A real Redis server of a test's own.

internal import FoundationEssentials
internal import NIOConcurrencyHelpers
internal import Subprocess

/// Debian's `redis-server` with a password, on a unix socket and, if asked, a loopback port; its files in a folder of its own. It can be ended and
/// started again.
package final class RedisServer: Sendable {
    private struct Running: Sendable {
        let pid: Int32
        let signal: @Sendable (Signal) -> Void
        let ended: Task<Void, Never>
    }

    package let socket: String
    package let folder: String
    package let password = "canary-redis-password"
    private let options: [String]
    private let running = NIOLockedValueBox<Running?>(nil)

    private init(folder: String, options: [String]) {
        (self.folder, self.options) = (folder, options)
        socket = folder + "/redis.sock"
    }

    /// Runs `body` with a server that is ready.
    /// - Parameter options: of the command line, in pairs such as `["--maxmemory", "10mb"]`.
    @discardableResult
    package static func with<Result>(
        _ options: [String] = [], _ body: (RedisServer) async throws -> Result
    ) async throws -> Result {
        try await withTestFolder { folder in
            let server = RedisServer(folder: folder, options: options)
            try await server.start()
            do {
                let result = try await body(server)
                await server.stop()
                return result
            } catch {
                await server.stop()
                throw error
            }
        }
    }

    /// Returns when it takes connections.
    package func start() async throws {
        var arguments =
            [
                "--port", "0", "--bind", "127.0.0.1", "--unixsocket", socket, "--dir", folder, "--save", "",
                "--appendonly", "yes", "--requirepass", password, "--enable-debug-command", "yes",
            ] + options
        if options.contains("--sentinel") {
            // It keeps what it finds out in its own configuration.
            let file = folder + "/sentinel.conf"
            try Data("port 0\nunixsocket \(socket)\nrequirepass \(password)\n".utf8).write(
                to: URL(filePath: file))
            arguments = [file, "--sentinel"]
        }
        let ready = Gate()
        let running = running
        let task = Task {
            _ = try? await Subprocess.run(
                .name("redis-server"), arguments: Arguments(arguments), input: .none, output: .sequence,
                error: .discarded
            ) { execution in
                let signal: @Sendable (Signal) -> Void = { try? execution.send(signal: $0) }
                let pid = execution.processIdentifier.value
                for try await line in execution.standardOutput.strings()
                where line.contains("eady to accept connections") || line.contains("Sentinel ID") {
                    running.withLockedValue { $0 = Running(pid: pid, signal: signal, ended: Task {}) }
                    ready.signal()
                }
            }
            ready.signal()
        }
        await ready.wait(for: 1)
        try running.withLockedValue { state in
            guard let found = state else { throw BadSample(what: "redis-server did not start") }
            state = Running(pid: found.pid, signal: found.signal, ended: task)
        }
    }

    private func end(_ signal: Signal) async {
        let found = running.withLockedValue { state in
            defer { state = nil }
            return state
        }
        found?.signal(.resume)
        found?.signal(signal)
        await found?.ended.value
    }

    /// SIGTERM; returns when it has ended.
    package func stop() async { await end(.terminate) }
    /// SIGKILL; returns when it has ended.
    package func kill() async { await end(.kill) }
    /// SIGSTOP.
    package func suspend() { running.withLockedValue { $0 }?.signal(.suspend) }
    /// SIGCONT.
    package func resume() { running.withLockedValue { $0 }?.signal(.resume) }

    /// Ends every connection but its own.
    package func disconnectOthers(password: String) async {
        for type in ["normal", "pubsub"] {
            _ = try? await run(["CLIENT", "KILL", "TYPE", type, "SKIPME", "yes"], password: password)
        }
    }

    /// Makes `cert.pem` and `key.pem` for `localhost` in the folder, and takes TLS connections on a port of its own from then on.
    /// - Parameter clients: whether they have to show a certificate: `yes` or `no`.
    package func takeTLS(clients: String) async throws -> Int {
        let made = try await SelfSignedCertificate.make(in: folder)
        try await run([
            "CONFIG", "SET", "tls-cert-file", made.certificate, "tls-key-file", made.key, "tls-ca-cert-file",
            made.certificate,
            "tls-auth-clients", clients,
        ])
        return try await listen("tls-port")
    }

    /// Takes connections on a loopback port from now on.
    /// - Parameter setting: `port` or `tls-port`.
    package func listen(_ setting: String) async throws -> Int {
        while true {
            // Another process may be faster.
            let port = try await freePort()
            if try await command("CONFIG", "SET", setting, "\(port)") == "OK\n" { return port }
        }
    }

    /// What `redis-cli` prints.
    @discardableResult
    package func command(_ words: String...) async throws -> String { try await run(words) }

    @discardableResult
    package func run(_ words: [String], password: String? = nil) async throws -> String {
        let options = ["-s", socket, "--no-auth-warning", "-a", password ?? self.password]
        return try await Subprocess.run(
            .name("redis-cli"), arguments: Arguments(options + words),
            output: .string(limit: 1 << 22), error: .discarded
        ).standardOutput
    }
}
