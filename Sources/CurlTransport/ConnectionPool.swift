// The connections that requests of the general lane share, and when they are replaced.

internal import Model

/// libcurl's handle for new transfers, and those before it whose transfers are not over. Loop thread only.
struct ConnectionPool {
    /// With HTTP/2 a request that is given up resets its stream, and servers end a connection with many resets, and all requests on it
    /// (CVE-2023-44487); the strictest ones do at a hundred in half a minute. Before that, new requests get connections of their own.
    private static let mostResets = 64

    private let keptConnections: Int
    private(set) var current: MultiHandle
    private var retired: [MultiHandle] = []
    private var resets = 0

    init(_ first: MultiHandle, keptConnections: Int) { (current, self.keptConnections) = (first, keptConnections) }

    /// All that may have transfers.
    var all: [MultiHandle] { [current] + retired }

    /// A request has been given up that was on its way.
    mutating func streamReset() {
        resets += 1
        guard resets >= Self.mostResets, let next = MultiHandle(keptConnections: keptConnections) else { return }
        retired.append(current)
        (current, resets) = (next, 0)
    }

    /// Between passes.
    mutating func freeRetired(unless isUsed: (MultiHandle) -> Bool) {
        retired.removeAll { handle in
            guard !isUsed(handle) else { return false }
            handle.free()
            return true
        }
    }

    func free() { for handle in all { handle.free() } }
}
