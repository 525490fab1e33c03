// An emulator that is up: where to find it, and how to stop it.
import FoundationEssentials
import NIOCore
import NIOPosix

package final class RunningEmulator: Sendable {
    /// `https://localhost:PORT`
    package let url: String
    /// `http://127.0.0.1:PORT`
    package let controlURL: String
    /// Full path of the authority's certificate (PEM).
    package let caFile: String
    /// What `ready.json` holds: one line of JSON, without the newline.
    package let readyLine: String

    private let readyFile: String
    private let desk: TenantDesk
    private let group: MultiThreadedEventLoopGroup

    private init(
        ports: (tenant: Int, control: Int), controlHost: String, directory: String, desk: TenantDesk,
        group: MultiThreadedEventLoopGroup
    ) {
        self.url = "https://localhost:\(ports.tenant)"
        self.controlURL = "http://\(controlHost):\(ports.control)"
        self.caFile = directory + "/ca.pem"
        self.readyFile = directory + "/ready.json"
        self.desk = desk
        self.group = group
        let ready: JSONValue = .object([
            JSONMember("url", .text(url)), JSONMember("control", .text(controlURL)),
            JSONMember("ca_file", .text(caFile)),
            JSONMember("pid", .integer(Int(ProcessInfo.processInfo.processIdentifier))),
        ])
        self.readyLine = String(decoding: ready.encoded, as: UTF8.self)
    }

    /// Binds both listeners and writes `ca.pem`, then `ready.json`. Whatever fails leaves no thread behind.
    package static func start(configuration: EmulatorConfiguration) async throws -> RunningEmulator {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, configuration.threads))
        do {
            return try await start(configuration, group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private static func start(
        _ configuration: EmulatorConfiguration, _ group: MultiThreadedEventLoopGroup
    ) async throws -> RunningEmulator {
        let directory = absolute(configuration.directory)
        do { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) } catch {
            throw StartProblem(
                description: "--directory \(directory): cannot be made; choose a folder that this user can write to")
        }
        // A file of an earlier run must not be taken for this one's.
        try? FileManager.default.removeItem(atPath: directory + "/ready.json")
        let authority = try TestAuthority()
        try write(authority.certificatePEM, to: directory + "/ca.pem")

        let desk = TenantDesk(settings: configuration.settings, logLine: configuration.logLine)
        let tls = try authority.serverContext(http2: configuration.http2)
        let tenant = try await Listeners.tenant(configuration.listen, desk: desk, tls: tls, group: group)
        let control = try await Listeners.control(
            configuration.control, responder: ControlResponder(desk: desk), group: group)
        let controlHost = configuration.control.host
        let emulator = RunningEmulator(
            ports: (tenant.localAddress?.port ?? 0, control.localAddress?.port ?? 0),
            controlHost: controlHost.utf8.contains(UInt8(ascii: ":")) ? "[\(controlHost)]" : controlHost,
            directory: directory, desk: desk, group: group)
        try write(emulator.readyLine + "\n", to: emulator.readyFile)
        return emulator
    }

    /// Closes every connection at once; held requests are let go. Calling it twice does no harm.
    package func stop() async {
        try? FileManager.default.removeItem(atPath: readyFile)
        desk.parking.close()
        try? await group.shutdownGracefully()
    }

    private static func absolute(_ path: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    private static func write(_ text: String, to path: String) throws {
        do { try Data(text.utf8).write(to: URL(filePath: path), options: .atomic) } catch {
            throw StartProblem(
                description: "--directory: \(path) cannot be written; choose a folder that this user can write to")
        }
    }
}
