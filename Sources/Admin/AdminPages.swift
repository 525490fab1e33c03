// What each path of the admin port answers.

internal import NIOHTTP1
internal import Telemetry

/// The pages, made anew for every request. None of them may wait.
package struct AdminPages: Sendable {
    private let readiness: @Sendable () -> Readiness
    private let metrics: @Sendable () -> String
    private let status: @Sendable () -> StatusSnapshot
    private let quit: (@Sendable () -> Void)?

    /// - Parameters:
    ///   - metrics: the page for Prometheus.
    ///   - quit: called for `POST /quit`; nil where that is not served.
    package init(
        readiness: @escaping @Sendable () -> Readiness, metrics: @escaping @Sendable () -> String,
        status: @escaping @Sendable () -> StatusSnapshot, quit: (@Sendable () -> Void)?
    ) {
        (self.readiness, self.metrics, self.status, self.quit) = (readiness, metrics, status, quit)
    }

    struct Answer {
        var status = HTTPResponseStatus.ok
        let type: String
        let body: [UInt8]
        /// Of the page alone: what a browser may do with it.
        var policy: String?

        static func text(_ text: String, _ status: HTTPResponseStatus = .ok) -> Answer {
            Answer(status: status, type: "text/plain; charset=utf-8", body: Array(text.utf8))
        }
    }

    func answer(_ method: HTTPMethod, _ path: Substring) -> Answer {
        if path == "/quit", let quit {
            guard method == .POST else { return .text("POST only\n", .methodNotAllowed) }
            quit()
            return .text("shutting down\n")
        }
        guard method == .GET || method == .HEAD else { return .text("GET only\n", .methodNotAllowed) }
        switch path {
        case "/livez": return .text("ok\n")
        case "/readyz":
            let readiness = readiness()
            return Answer(
                status: readiness.isReady ? .ok : .serviceUnavailable, type: "application/json",
                body: Array(readiness.json.utf8))
        case "/metrics":
            return Answer(type: MetricsRegistry.contentType, body: Array(metrics().utf8))
        case "/status": return Answer(type: "application/json", body: status().json)
        case "/":
            return Answer(
                type: "text/html; charset=utf-8", body: PackageResources.status_html, policy: Self.pagePolicy)
        default: return .text("/ /status /metrics /livez /readyz\n", .notFound)
        }
    }

    /// Nothing from elsewhere, nowhere else to, in nobody's frame.
    private static let pagePolicy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
