// What would become of a request, without a running sidecar (`ciam-sidecar explain`).

internal import Logging
internal import Pipeline

package enum OfflineExplanation {
    /// - Parameters:
    ///   - request: `{"method","path","headers","body"}`, as the local API takes it.
    /// - Returns: a few lines for a person, or why the request cannot be understood.
    /// - Throws: `StartFailure`, when libcurl cannot be set up.
    package static func text(
        _ configuration: SidecarConfiguration, method: String, path: String, headers: [(String, String)], body: String?
    ) async throws(StartFailure) -> String {
        var alone = configuration
        // Nothing of the store of a running sidecar is touched: no session is known here.
        alone.store = .memory
        let assembly = try Assembly(alone, logger: Logger(label: "explain") { _ in SwiftLogNoOpLogHandler() })
        return await assembly.pipeline.explanation(method: method, path: path, headers: headers, body: body)
    }
}
