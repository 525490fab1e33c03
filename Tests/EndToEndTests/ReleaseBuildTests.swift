// What a release is built with.

import FoundationEssentials
import TestSupport
import Testing

struct ReleaseBuildTests {
    private struct Toolset: Decodable {
        struct Tool: Decodable { let extraCLIOptions: [String] }
        let swiftCompiler: Tool
    }

    @Test func theScriptUsesTheProfileAndOptimisesTheWhole() throws {
        let script = try Repository.text("deploy/build.sh")
        #expect(script.contains(" --toolset deploy/release.json "))
        // A profile that is learned from another kind of build knows its functions by other names.
        for script in [script, try Repository.text("Tests/Benchmarks/profile.sh")] {
            #expect(script.contains(" --experimental-lto-mode full "))
        }
    }

    /// The compiler is told of a profile that is there, and that has seen the way of a call through this program and its event loop.
    @Test func theProfileIsOfThisProgram() throws {
        let toolset = try JSONDecoder().decode(
            Toolset.self, from: Data(Array(Repository.text("deploy/release.json").utf8)))
        let prefix = "-ir-profile-use="
        let option = try #require(toolset.swiftCompiler.extraCLIOptions.first { $0.hasPrefix(prefix) })
        let path = Repository.root + "/" + option.dropFirst(prefix.count)
        let profile = Array(try #require(FileManager.default.contents(atPath: path), "\(path) is not there"))
        #expect(profile.starts(with: [0xFF] + Array("lprofi".utf8) + [0x81]))
        let text = String(decoding: profile, as: UTF8.self)
        for module in ["HTTP1", "Pipeline", "Injection", "Sessions", "CurlTransport", "Listener", "NIOPosix"] {
            #expect(
                text.contains("$s\(module.utf8.count)\(module)"),
                "Tests/Benchmarks/profile.sh has seen nothing of \(module)")
        }
        // What only one file sees bears that file's name as a release writes it, and not the folder that it was built in.
        #expect(text.contains(".swift.bc;$s") && !text.contains(".swift.o;"))
        #expect(!text.contains(".build/"))
    }
}
