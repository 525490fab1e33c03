// `ciam-sidecar check`: is the configuration right?

import App
import ArgumentParser

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validate the configuration; nothing is opened or sent.",
        discussion: "Prints every fault, one line each, and ends with 78; or ends with 0.")

    func run() {
        do {
            let settings = try SidecarConfiguration(environment: Environment.read())
            print("the configuration is right: \(settings.summary)")
        } catch { Ending.fail(error.faults.map(\.line), code: 78) }
    }
}
