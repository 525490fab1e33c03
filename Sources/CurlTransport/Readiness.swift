// What the loop waits for: sockets of connections to the tenant.

internal import CPoll

/// The system's own list of sockets (epoll), told only what changes: it costs the same however many connections are idle.
struct Readiness: Sendable {
    /// What is waited for on a socket.
    struct Interest: Equatable {
        var reads: Bool
        var writes: Bool
        static let reading = Interest(reads: true, writes: false)
        static let nothing = Interest(reads: false, writes: false)
    }

    /// A socket that is ready, and for what.
    typealias Ready = cpoll_ready

    /// Of the list itself: readable when something in it is ready.
    let descriptor: Int32

    /// Nil when the system has no descriptor left.
    init?() {
        descriptor = cpoll_open()
        guard descriptor >= 0 else { return nil }
    }

    /// - Returns: false when the system has no memory.
    @discardableResult
    func add(_ socket: Int32, _ interest: Interest) -> Bool {
        cpoll_set(descriptor, socket, interest.reads ? 1 : 0, interest.writes ? 1 : 0, 1) == 0
    }

    /// A socket on which nothing is waited for leaves the list: the system would tell of its end again and again.
    func change(_ socket: Int32, from old: Interest, to new: Interest) {
        guard new != .nothing else { return cpoll_remove(descriptor, socket) }
        cpoll_set(descriptor, socket, new.reads ? 1 : 0, new.writes ? 1 : 0, old == .nothing ? 1 : 0)
    }

    /// Nothing is waited for on it.
    func forget(_ socket: Int32) { cpoll_remove(descriptor, socket) }

    /// Room for what `look` finds.
    static var room: [Ready] { [Ready](repeating: Ready(), count: Int(CPOLL_MOST)) }

    /// Fills in the sockets that are ready now; those for which there is no room come again.
    /// - Parameter ready: as long as `room`; the first of them are written.
    /// - Returns: how many are ready, and whether these are certainly all.
    func look(_ ready: inout [Ready]) -> (count: Int, isWhole: Bool) {
        let found = unsafe ready.withUnsafeMutableBufferPointer {
            unsafe Int(cpoll_look(descriptor, $0.baseAddress))
        }
        return (max(0, found), found >= 0 && found < ready.count)
    }

    func free() { cpoll_close(descriptor) }
}
