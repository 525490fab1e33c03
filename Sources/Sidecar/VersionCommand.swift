// `ciam-sidecar version`: which version this is, and of what it is made.

import App
import ArgumentParser

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version, and those of libcurl and SQLite.")

    func run() { print("ciam-sidecar \(Version.text)\n\(Version.libraries.joined(separator: "\n"))") }
}
