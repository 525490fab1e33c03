// What would become of a request, without a running sidecar (`ciam-sidecar explain`).

internal import Logging
internal import Model
internal import NIOPosix
internal import Pipeline
internal import SessionStores
internal import Telemetry

package enum OfflineExplanation {
    /// A header field as `Name: value`; nil unless the name is of token characters and the value is one line.
    package static func field(_ text: String) -> (String, String)? {
        let bytes = Array(text.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return nil }
        let (name, value) = (bytes[..<colon], bytes[(colon + 1)...].drop { $0 == 0x20 })
        guard name.allSatisfy(ASCII.isTokenCharacter), value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            return nil
        }
        return (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
    }

    /// - Parameter headers: as `field` reads them.
    /// - Returns: a few lines for a person, or why the request cannot be understood.
    /// - Throws: `StartFailure`, when libcurl cannot be set up.
    package static func text(
        _ configuration: SidecarConfiguration, method: String, path: String, headers: [(String, String)], body: String?
    ) async throws(StartFailure) -> String {
        var alone = configuration
        // Nothing of the store of a running sidecar is touched: no session is known here.
        alone.store = .memory
        let assembly = try Assembly(
            alone, OpenStore(store: MemoryStore(clock: SystemClock())),
            on: MultiThreadedEventLoopGroup.singleton.next(), metrics: SidecarMetrics(),
            logger: Logger(label: "explain") { _ in SwiftLogNoOpLogHandler() })
        return await assembly.pipeline.explanation(method: method, path: path, headers: headers, body: body)
    }
}
