// Telling systemd how it goes (sd_notify), where it asked for that.

internal import CProcess
internal import Model

/// `$NOTIFY_SOCKET`, `$WATCHDOG_USEC` and `$LISTEN_FDS`, as systemd sets them.
struct ServiceManager: Sendable {
    private let socket: String?
    /// How often systemd wants to hear that all is well; nil for never.
    let watchdog: Duration?

    init(environment: [String: String], pid: Int32) {
        socket = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
        let isOurs = environment["WATCHDOG_PID"].map { $0 == "\(pid)" } ?? true
        let interval = environment["WATCHDOG_USEC"].flatMap { ASCII.decimal(Array($0.utf8)[...]) } ?? 0
        watchdog = isOurs && interval > 0 ? .microseconds(interval) : nil
    }

    // Said once: worth a moment where the manager is behind with what it was told before.
    func ready() { tell("READY=1", patience: 1000) }
    func stopping() { tell("STOPPING=1", patience: 1000) }
    // Said again soon, from the event loop.
    func alive() { tell("WATCHDOG=1", patience: 0) }

    /// - Parameter patience: milliseconds.
    private func tell(_ message: String, patience: Int32) {
        if let socket { _ = unsafe cprocess_notify(socket, message, patience) }
    }

    /// How many sockets systemd has opened for this process (`LISTEN_FDS`); they begin at descriptor 3.
    static func sockets(_ environment: [String: String], pid: Int32) -> Int {
        guard environment["LISTEN_PID"] == "\(pid)" else { return 0 }
        return environment["LISTEN_FDS"].flatMap { ASCII.decimal(Array($0.utf8)[...]) } ?? 0
    }
}
