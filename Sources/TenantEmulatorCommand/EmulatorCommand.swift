// The options of `tenant-emulator`, and its life from start to signal.
import ArgumentParser
import Foundation
import TenantEmulator

@main
struct EmulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant-emulator",
        abstract: "A strict stand-in for the identity tenant, for tests, the quickstart and benchmarks.",
        discussion: "Prints one line of JSON (url, control, ca_file, pid) once it is ready, and runs until SIGTERM.")

    @Option(help: "Where the tenant listens (HTTPS).") var listen: ListenAddress = .anyLoopbackPort
    @Option(help: "Where the control port listens (HTTP).") var control: ListenAddress = .anyLoopbackPort
    @Option(help: "Folder for ca.pem and ready.json.") var directory: String
    @Option(help: "The application's client id.") var clientId = "demo-client"
    @Option(help: "The application's client secret.") var clientSecret = "demo-secret"
    @Option(help: "Seconds an access token lives.") var accessTokenLife = 1800
    @Option(help: "Seconds a session token lives.") var sessionLife = 43200
    @Option(help: "The password of every user.") var password = "demo-password"
    @Option(help: "Seconds a superseded session token is still accepted.") var previousTokenGrace = 0
    @Option(help: "Edition: ciam, eiam or oneaccess.") var shape: AnswerShape = .ciam
    @Option(help: "Bits of the key that X-signature is sealed with.") var envelopeKeyBits = 2048
    @Option(help: "Whether HTTP/2 is offered: true or false.") var http2 = true
    @Flag(help: "One line per request on standard error.") var log = false

    private var emulator: EmulatorConfiguration {
        var emulator = EmulatorConfiguration(directory: directory)
        emulator.listen = listen
        emulator.control = control
        emulator.http2 = http2
        emulator.settings.clientID = clientId
        emulator.settings.clientSecret = clientSecret
        emulator.settings.password = password
        emulator.settings.accessTokenLife = accessTokenLife
        emulator.settings.sessionLife = sessionLife
        emulator.settings.previousTokenGrace = previousTokenGrace
        emulator.settings.shape = shape
        emulator.settings.envelopeKeyBits = envelopeKeyBits
        if log {
            emulator.logLine = { FileHandle.standardError.write(Data(($0 + "\n").utf8)) }
        }
        return emulator
    }

    func run() async throws {
        let signals = StopSignals()
        let running = try await RunningEmulator.start(configuration: emulator)
        FileHandle.standardOutput.write(Data((running.readyLine + "\n").utf8))
        await signals.wait()
        await running.stop()
    }
}

extension ListenAddress: ExpressibleByArgument {
    package init?(argument: String) {
        self.init(argument)
    }

    package var defaultValueDescription: String { "\(host):\(port)" }
}

extension AnswerShape: ExpressibleByArgument {}
