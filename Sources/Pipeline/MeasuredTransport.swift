// The upstream port, counted and timed.

package import Model
package import Telemetry

/// Passes every request on as it is.
package struct MeasuredTransport: UpstreamTransport {
    private let transport: any UpstreamTransport
    private let metrics: SidecarMetrics

    package init(_ transport: any UpstreamTransport, metrics: SidecarMetrics) {
        (self.transport, self.metrics) = (transport, metrics)
    }

    package func send(_ request: UpstreamRequest) async throws(TransportError) -> UpstreamResponse {
        let started = ContinuousClock.now
        do {
            let response = try await transport.send(request)
            metrics.upstreamAnswered(after: ContinuousClock.now - started)
            return response
        } catch {
            metrics.upstreamFailed(error.reason.rawValue)
            throw error
        }
    }
}
