// Every metric as `ciam-sidecar metrics` prints it.

internal import Telemetry

package enum MetricsListing {
    package static var markdown: String { MetricFamily.markdown }
}
