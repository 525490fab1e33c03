// The benchmark beside other proxies, for function only.

import FoundationEssentials
import TestSupport
import Testing

@Suite struct PeersBenchmarkTests {
    private static let environment = ProcessInfo.processInfo.environment

    /// The runner is not part of this repository: `PEERS` is its folder, `ENVOY` the program that its install.sh prints.
    @Test(.enabled(if: environment["PEERS"] != nil && environment["ENVOY"] != nil))
    func aRowForEverybody() async throws {
        let variables = Self.environment.filter { ["PEERS", "ENVOY"].contains($0.key) }
        let end = try await Programs.runToEnd(
            "bash",
            ["\(Repository.root)/Tests/Benchmarks/peers.sh", "\(Programs.folder)/ciam-sidecar", "--quick"],
            environment: variables.merging(["PATH": "/usr/sbin:/usr/bin:/bin"]) { $1 })
        #expect(end.exitCode == 0)
        for name in ["nginx", "nginx-lua", "haproxy", "envoy", "caddy", "ours"] {
            let rows = end.lines.filter { $0.hasPrefix("| \(name) |") }
            #expect(!rows.isEmpty, "\(name): \(end.lines)")
        }
    }
}
