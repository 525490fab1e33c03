// The page that Prometheus reads (text exposition format 0.0.4).

extension MetricsRegistry {
    package static var contentType: String { "text/plain; version=0.0.4; charset=utf-8" }

    /// Every family with its values now.
    package var prometheusText: String {
        var text = ""
        for family in MetricFamily.all {
            text += "# HELP \(family.name) \(family.meaning)\n# TYPE \(family.name) \(family.kind.rawValue)\n"
            for (labels, reading) in readings(of: family) {
                switch reading {
                case .number(let value): text += "\(family.name)\(Self.shown(labels)) \(Self.shown(value))\n"
                case .latency(let counts): Self.append(counts, family.name, labels, to: &text)
                }
            }
        }
        return text
    }

    private static func append(_ counts: LatencyCounts, _ name: String, _ labels: [Label], to text: inout String) {
        var cumulative = 0
        for (index, bucket) in counts.buckets.enumerated() {
            cumulative += bucket
            let bound = index < LatencyHistogram.bounds.count ? shown(LatencyHistogram.bounds[index]) : "+Inf"
            text += "\(name)_bucket\(shown(labels + [Label(name: "le", value: bound)])) \(cumulative)\n"
        }
        text += "\(name)_sum\(shown(labels)) \(shown(Double(counts.nanoseconds) / 1_000_000_000))\n"
        text += "\(name)_count\(shown(labels)) \(cumulative)\n"
    }

    private static func shown(_ labels: [Label]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
    }

    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func shown(_ value: Double) -> String {
        if value == .infinity { return "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }
}
