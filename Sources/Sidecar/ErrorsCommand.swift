// `ciam-sidecar errors`: every error that the sidecar answers by itself.

import App
import ArgumentParser

struct ErrorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "errors", abstract: "List the sidecar's own errors and what to do about each.")

    @Argument(help: "Only this error, such as SESSION_LOST.") var code: String?
    @Flag(help: "Print a Markdown table.") var markdown = false

    func run() throws {
        if markdown { return print(ErrorListing.markdown, terminator: "") }
        guard let text = ErrorListing.plain(code) else {
            throw ValidationError("there is no such error; `ciam-sidecar errors` lists them all")
        }
        print(text, terminator: "")
    }
}
