// `ciam-sidecar openapi`: the local API.

import App
import ArgumentParser

struct OpenAPICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openapi", abstract: "Print the local API as OpenAPI 3.1, as a running sidecar serves it.")

    @Flag(help: "Print a Markdown table.") var markdown = false

    func run() { print(markdown ? ReferenceListing.localAPI : ReferenceListing.openAPI) }
}
