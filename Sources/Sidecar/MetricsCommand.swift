// `ciam-sidecar metrics`: every metric there is.

import App
import ArgumentParser

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "List every metric that /metrics shows.")

    @Flag(help: "Print a Markdown table.") var markdown = false

    func run() { print(markdown ? ReferenceListing.metrics : ReferenceListing.plainMetrics) }
}
