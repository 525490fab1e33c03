// Asks a running sidecar how it is (`ciam-sidecar health`): for container images without a shell.

internal import CurlTransport
package import Listener
internal import Model
internal import NIOPosix

package struct HealthProbe: Sendable {
    package enum Result: Sendable, Equatable {
        case healthy
        /// It answers, and says no: its own words.
        case unhealthy(String)
        /// Nobody answers there.
        case silent(String)
    }

    private let address: ListenAddress

    package init(_ address: ListenAddress) { self.address = address }

    /// Reads `SIDECAR_ADMIN_LISTEN` and nothing else: a probe must not fail for another setting.
    /// - Throws: what is wrong with it.
    package init(environment: [String: String]) throws(ConfigurationFaults) {
        var reader = SettingsReader(environment: environment)
        address = SidecarConfiguration.adminListen(&reader)
        guard reader.faults.isEmpty else { throw ConfigurationFaults(faults: reader.faults) }
    }

    /// - Parameter path: `/livez` or `/readyz`.
    package func ask(_ path: String) async -> Result {
        guard case .tcp(_, let port) = address else { return .silent("\(address.text) is no TCP address") }
        // What listens everywhere listens here as well.
        let here = address.hostName ?? "127.0.0.1"
        var settings = CurlSettings(origin: TenantOrigin(scheme: "http", host: here, port: port))
        (settings.version, settings.connectTimeout) = (.http1, .seconds(2))
        guard let client = CurlClient(settings, on: MultiThreadedEventLoopGroup.singleton.next()) else {
            return .silent("libcurl could not be set up")
        }
        let running = Task { await client.run() }
        let result = await ask(client, path)
        client.close(now: true)
        _ = await running.value
        return result
    }

    private func ask(_ client: CurlClient, _ path: String) async -> Result {
        do {
            let response = try await client.send(
                UpstreamRequest(
                    method: Array("GET".utf8), target: Array(path.utf8), fields: HeaderFields(), body: .none,
                    timeout: .seconds(2)))
            let body = (try? await response.body.collect(upTo: 4096)) ?? []
            if response.status == 200 { return .healthy }
            return .unhealthy(String(decoding: body.filter { $0 != 0x0A }, as: UTF8.self))
        } catch { return .silent("\(address.text): \(error)") }
    }
}
