// Log events, kept.

package import Logging
internal import NIOConcurrencyHelpers

package final class LogRecorder: Sendable {
    private let lines = NIOLockedValueBox<[String]>([])

    package init() {}

    /// `level message key=value …`
    package var texts: [String] { lines.withLockedValue { $0 } }

    package var logger: Logger {
        Logger(label: "test") { _ in Handler(recorder: self) }
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let values = (event.metadata ?? [:]).map { " \($0.key)=\($0.value)" }.sorted().joined()
            recorder.lines.withLockedValue { $0.append("\(event.level.rawValue) \(event.message)\(values)") }
        }
    }
}
