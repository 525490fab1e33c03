// `ciam-sidecar explain`: what would become of a request?

import App
import ArgumentParser

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say what would become of a request, and why; nothing is sent.",
        discussion: """
            Knows the configuration and no sessions: a running sidecar, which knows them, answers the same at \
            POST /sidecar/v1/explain. Secrets are shown as •••.

              ciam-sidecar explain POST /api/v2/tenant/sso/session-token/refresh -H 'X-Sidecar-User: alice' -d '{}'
            """)

    @Argument(help: "The method, such as POST.") var method: String
    @Argument(help: "The path with its query, such as /api/v2/sdk/login.") var path: String
    @Option(name: [.customShort("H"), .long], help: "A header field, 'Name: value'. May be repeated.")
    var header: [String] = []
    @Option(name: [.customShort("d"), .customLong("data")], help: "The body.") var body: String?

    func validate() throws {
        for field in header where OfflineExplanation.field(field) == nil {
            throw ValidationError("'\(field)' is no header field; it has to be 'Name: value'")
        }
        guard path.utf8.first == UInt8(ascii: "/") else { throw ValidationError("the path has to begin with /") }
    }

    func run() async {
        let settings: SidecarConfiguration
        do { settings = try SidecarConfiguration(environment: Environment.read()) } catch {
            Ending.fail(error.faults.map(\.line), code: 78)
        }
        do {
            print(
                try await OfflineExplanation.text(
                    settings, method: method, path: path, headers: header.compactMap(OfflineExplanation.field),
                    body: body),
                terminator: "")
        } catch { Ending.fail([error.line], code: error.exitCode) }
    }
}
