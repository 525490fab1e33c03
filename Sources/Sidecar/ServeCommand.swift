// `ciam-sidecar serve`: the service itself.

import App
import ArgumentParser
import Logging

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve until SIGTERM (the default).")

    func run() async throws {
        let environment = Environment.read()
        let settings: SidecarConfiguration
        do { settings = try SidecarConfiguration(environment: environment) } catch {
            Ending.fail(error.faults.map(\.line), code: 78)
        }
        Environment.dropSecrets()
        let logger = Logger(label: "ciam-sidecar") { _ in
            LogLines(level: settings.logLevel, format: settings.logFormat)
        }
        let run = SidecarRun(settings, logger: logger) { () throws(ConfigurationFaults) in
            try SidecarConfiguration(environment: environment)
        }
        do {
            guard try await run.serve() else {
                Ending.fail(
                    ["not everything was finished: SIDECAR_DRAIN_TIMEOUT was over, or it was asked to end twice"],
                    code: 1)
            }
        } catch { Ending.fail([error.line], code: error.exitCode) }
    }
}
