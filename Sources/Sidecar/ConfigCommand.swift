// `ciam-sidecar config`: every setting there is.

import App
import ArgumentParser

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "List every setting with its default.")

    @Flag(help: "Print a Markdown table.") var markdown = false

    func run() { print(markdown ? Setting.markdown : Setting.plain, terminator: "") }
}
