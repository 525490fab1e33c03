// Log events as lines of text on standard error.

package import Logging
internal import Model

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// `time level message key=value …`, one line per event whatever the values hold.
package struct TextLog: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    package init(level: Logger.Level) { logLevel = level }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let values = metadata.merging(event.metadata ?? [:]) { _, own in own }
        let line = Self.line(event.level, "\(event.message)", values, at: SystemClock().now())
        // One write per line, so that lines of two threads do not mix.
        _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// The longest value shown, in bytes.
    static let longestValue = 200

    static func line(_ level: Logger.Level, _ message: String, _ values: Logger.Metadata, at time: Timestamp) -> [UInt8]
    {
        var line = Array("\(time.rfc3339) \(level.rawValue) \(message)".utf8)
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            line += Array(" \(key)=".utf8) + shown("\(value)")
        }
        line.append(0x0A)
        return line
    }

    /// A value as one word: quoted when it holds a space or a quote, bytes that are no visible ASCII as `\xNN`, cut at the limit.
    static func shown(_ value: String) -> [UInt8] {
        var word: [UInt8] = []
        var quoted = value.isEmpty
        for byte in value.utf8.prefix(longestValue) {
            switch byte {
            case UInt8(ascii: " "):
                quoted = true
                word.append(byte)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                quoted = true
                word += [UInt8(ascii: "\\"), byte]
            case 0x21...0x7E: word.append(byte)
            default: word += Array("\\x\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
            }
        }
        if value.utf8.count > longestValue { word += Array("...".utf8) }
        return quoted ? [UInt8(ascii: "\"")] + word + [UInt8(ascii: "\"")] : word
    }
}
