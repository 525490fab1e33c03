// The connections that requests of the general lane share, and when they are replaced.

internal import Model

/// libcurl's handle for new transfers, and those before it whose transfers are not over. Loop only.
struct ConnectionPool {
    /// With HTTP/2 a request that is given up resets its stream, and servers end a connection with many resets, and all requests on it
    /// (CVE-2023-44487); the strictest ones do at a hundred in half a minute. Before that, new requests get connections of their own.
    private static let mostResets = 64

    private let keptConnections: Int
    private let readiness: Readiness
    /// All that may have transfers, the current one first.
    private(set) var all: [MultiHandle]
    var current: MultiHandle { all[0] }
    private var resets = 0

    init(_ first: MultiHandle, keptConnections: Int, _ readiness: Readiness) {
        (all, self.keptConnections, self.readiness) = ([first], keptConnections, readiness)
    }

    /// A request has been given up that was on its way.
    mutating func streamReset() {
        resets += 1
        guard resets >= Self.mostResets, let next = MultiHandle(keptConnections: keptConnections, readiness) else {
            return
        }
        all.insert(next, at: 0)
        resets = 0
    }

    /// Between passes.
    mutating func freeRetired(unless isUsed: (MultiHandle) -> Bool) {
        guard all.count > 1 else { return }
        let current = current
        all.removeAll { handle in
            guard handle != current, !isUsed(handle) else { return false }
            handle.free()
            return true
        }
    }

    func free() { for handle in all { handle.free() } }
}
