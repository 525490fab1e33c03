// A folder of its own for each test.

internal import FoundationEssentials

/// Runs `body` with a new empty folder and takes it away afterwards.
package func withTestFolder<Result>(_ body: (_ path: String) async throws -> Result) async throws -> Result {
    let path = FileManager.default.temporaryDirectory.path + "/ciam-sidecar-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}
