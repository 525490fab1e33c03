// `ciam-sidecar metrics`: every metric there is.

import App
import ArgumentParser

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "List every metric that /metrics shows, as a Markdown table.")

    func run() { print(MetricsListing.markdown) }
}
