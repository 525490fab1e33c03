// How to start an emulator.

package struct EmulatorConfiguration: Sendable {
    /// Where the tenant listens (HTTPS).
    package var listen: ListenAddress
    /// Where the control port listens (plain HTTP).
    package var control: ListenAddress
    /// Folder for `ca.pem` and `ready.json`; made if it is not there.
    package var directory: String
    package var settings = TenantSettings()
    /// Whether `h2` is offered.
    package var http2 = true
    /// Event loops.
    package var threads = 2
    /// Receives one line per answered request; nil for silence.
    package var logLine: (@Sendable (String) -> Void)?

    /// Both listeners on free ports of 127.0.0.1.
    package init(directory: String) {
        self.listen = .anyLoopbackPort
        self.control = .anyLoopbackPort
        self.directory = directory
    }
}

extension ListenAddress {
    package static let anyLoopbackPort = ListenAddress(host: "127.0.0.1", port: 0)
}
