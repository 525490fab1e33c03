// Log events as lines on standard error: one line for each event, whatever its values hold.

internal import JSONText
package import Logging
internal import Model

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Writes lines of text (`time level message key=value …`) or of JSON.
package struct LogLines: LogHandler {
    package enum Format: String, CaseIterable, Sendable { case text, json }

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let format: Format

    package init(level: Logger.Level, format: Format = .text) { (logLevel, self.format) = (level, format) }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let values = metadata.merging(event.metadata ?? [:]) { _, own in own }
        let now = SystemClock().now()
        let line =
            switch format {
            case .text: Self.text(event.level, "\(event.message)", values, at: now)
            case .json: Self.json(event.level, "\(event.message)", values, at: now)
            }
        // One write per line, so that lines of two threads do not mix.
        _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// The longest value shown, in bytes.
    static let longestValue = 200

    // MARK: text

    static func text(_ level: Logger.Level, _ message: String, _ values: Logger.Metadata, at time: Timestamp) -> [UInt8]
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

    // MARK: JSON

    /// `{"time","level","message",…}`: values are strings, numbers where they are nothing but digits with one point at most.
    static func json(_ level: Logger.Level, _ message: String, _ values: Logger.Metadata, at time: Timestamp) -> [UInt8]
    {
        var line = Array("{\"time\":\"\(time.rfc3339)\",\"level\":\"\(level.rawValue)\",\"message\":".utf8)
        JSONString.append(Array(message.utf8), to: &line)
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            line.append(UInt8(ascii: ","))
            JSONString.append(Array(key.utf8), to: &line)
            line.append(UInt8(ascii: ":"))
            let text = Array("\(value)".utf8)
            if isNumber(text[...]) { line += text } else { JSONString.append(cut(text), to: &line) }
        }
        return line + [UInt8(ascii: "}"), 0x0A]
    }

    private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count <= 2, text.count <= 15, let whole = parts.first, whole.count == 1 || whole.first != 0x30
        else {
            return false
        }
        return parts.allSatisfy { ASCII.decimal($0) != nil }
    }

    /// Within the limit, and never inside a character.
    private static func cut(_ text: [UInt8]) -> [UInt8] {
        guard text.count > longestValue else { return text }
        var end = longestValue
        while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
        return Array(text[..<end]) + Array("...".utf8)
    }
}
