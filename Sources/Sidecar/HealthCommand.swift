// `ciam-sidecar health`: the check of a container image without a shell.

import App
import ArgumentParser

struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Ask a running sidecar whether it lives, or is ready.",
        discussion: "Asks at SIDECAR_ADMIN_LISTEN. Ends with 0 or 1.")

    @Flag(help: "Ask whether it is ready, not only whether it lives.") var ready = false

    func run() async {
        let probe: HealthProbe
        do { probe = try HealthProbe(environment: Environment.read()) } catch {
            Ending.fail(error.faults.map(\.line), code: 78)
        }
        switch await probe.ask(ready ? "/readyz" : "/livez") {
        case .healthy: print(ready ? "ready" : "alive")
        case .unhealthy(let answer): Ending.fail([answer], code: 1)
        case .silent(let reason):
            Ending.fail(["no answer: \(reason); does it run, and is SIDECAR_ADMIN_LISTEN the same here?"], code: 1)
        }
    }
}
