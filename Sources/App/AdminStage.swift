// What the admin port tells before the store has been reached, and afterwards.

internal import Admin
internal import CurlTransport
internal import Model
internal import NIOConcurrencyHelpers
internal import Telemetry
internal import Tenant

/// Open from the first moment: whoever waits for the sidecar sees what it waits for.
final class AdminStage: Sendable {
    private enum Stage: Sendable {
        case waiting(StoreTrouble?)
        case serving(StatusReading)
    }

    private let stage = NIOLockedValueBox(Stage.waiting(nil))
    private let configuration: SidecarConfiguration
    private let metrics: SidecarMetrics

    init(_ configuration: SidecarConfiguration, _ metrics: SidecarMetrics) {
        (self.configuration, self.metrics) = (configuration, metrics)
    }

    func waits(_ trouble: StoreTrouble?) {
        stage.withLockedValue { if case .waiting = $0 { $0 = .waiting(trouble) } }
    }
    func serves(_ status: StatusReading) { stage.withLockedValue { $0 = .serving(status) } }

    /// - Parameter quit: called for `POST /quit`.
    func pages(quit: @escaping @Sendable () -> Void) -> AdminPages {
        AdminPages(
            readiness: { self.readiness }, metrics: { self.metricsText }, status: { self.status },
            quit: configuration.adminQuit ? quit : nil)
    }

    private var readiness: Readiness {
        switch stage.withLockedValue({ $0 }) {
        case .waiting(let trouble): Readiness(reasons: [trouble.map { .store($0) } ?? .starting])
        case .serving(let status): status.readiness
        }
    }

    private var metricsText: String {
        if case .serving(let status) = stage.withLockedValue({ $0 }) { return status.metrics() }
        var levels = SidecarMetrics.Levels()
        levels.version = Version.text
        metrics.show(levels)
        return metrics.registry.prometheusText
    }

    private var status: StatusSnapshot {
        if case .serving(let status) = stage.withLockedValue({ $0 }) { return status.status() }
        var status = StatusSnapshot()
        status.version = Version.text
        status.readiness = readiness
        status.tenant.url = configuration.transport.origin.text
        status.tenant.profile = configuration.profile.name
        status.store = configuration.store.name
        status.configuration = configuration.shown
        return status
    }
}
