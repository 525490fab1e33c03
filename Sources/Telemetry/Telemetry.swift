// The front page of Telemetry: what can be counted, and how it is shown to Prometheus.
//
// Reading order: MetricFamily (every metric there is, as data), SidecarMetrics (one method for each thing that happens),
// MetricsRegistry (swift-metrics' backend: where the numbers are), LatencyHistogram, PrometheusText.
//
// Who may import it: every room in which something happens that is counted, and App, which shows it.
//
// What must never happen here: a user, a token, a path or anything else that a caller can choose as a label.
