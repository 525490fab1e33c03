// `ciam-sidecar routes`: every row of the tenant's API.

import App
import ArgumentParser

struct RoutesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "List the tenant's API by path, and what is added to each.",
        discussion: "Where the editions differ (SIDECAR_PROFILE), each is named.")

    @Flag(help: "Print a Markdown table.") var markdown = false

    func run() { print(markdown ? ReferenceListing.routes : ReferenceListing.plainRoutes) }
}
