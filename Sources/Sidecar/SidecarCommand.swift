// The commands of `ciam-sidecar`.

import App
import ArgumentParser

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@main
struct SidecarCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ciam-sidecar",
        abstract: "Speaks to a Bamboocloud CIAM tenant for applications that cannot.",
        discussion: """
            Takes plain HTTP on localhost, adds the access token, the device values and the newest session token, \
            forwards over TLS, and keeps the session token that comes back. Configured by SIDECAR_* environment variables \
            only: `ciam-sidecar config` lists them.
            """,
        version: "ciam-sidecar \(Version.text)",
        subcommands: [
            ServeCommand.self, CheckCommand.self, DoctorCommand.self, HealthCommand.self, ExplainCommand.self,
            ConfigCommand.self, ErrorsCommand.self, MetricsCommand.self, RoutesCommand.self, OpenAPICommand.self,
            VersionCommand.self,
        ],
        defaultSubcommand: ServeCommand.self)

    /// What the process gives up is given up by its first thread, so that every later one lacks it as well.
    @MainActor static func main() async {
        ProcessHardening.apply()
        await main(nil)
    }
}

/// Everything that ends the program with a message.
enum Ending {
    /// Leaves without a message.
    static func leave(_ code: Int32) -> Never { exit(code) }

    /// Prints lines to standard error and leaves with a sysexits code.
    static func fail(_ lines: [String], code: Int32) -> Never {
        let text = Array(lines.map { "ciam-sidecar: \($0)\n" }.joined().utf8)
        _ = unsafe text.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
        exit(code)
    }
}
