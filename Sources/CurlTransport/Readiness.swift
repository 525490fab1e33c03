// What the loop thread waits for: sockets of the direct lane, and a call from another thread.

internal import CPoll

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// The system's own list of sockets (epoll), told only what changes: it costs the same however many connections are idle.
struct Readiness: Sendable {
    /// What is waited for on a socket.
    struct Interest: Equatable {
        var reads: Bool
        var writes: Bool
        static let reading = Interest(reads: true, writes: false)
        static let nothing = Interest(reads: false, writes: false)
    }

    /// As many as one `wait` tells of.
    static let most = Int(CPOLL_MOST)

    /// Of the list itself: readable when something in it is ready.
    let descriptor: Int32
    private let waker: Int32

    /// Nil when the system has no descriptor left.
    init?() {
        (descriptor, waker) = (cpoll_open(), cpoll_waker())
        guard descriptor >= 0, waker >= 0, add(waker, .reading) else {
            if descriptor >= 0 { close(descriptor) }
            if waker >= 0 { close(waker) }
            return nil
        }
    }

    /// - Returns: false when the system has no memory.
    func add(_ socket: Int32, _ interest: Interest) -> Bool {
        cpoll_set(descriptor, socket, interest.reads ? 1 : 0, interest.writes ? 1 : 0, 1) == 0
    }

    /// A socket on which nothing is waited for leaves the list: the system would tell of its end again and again.
    func change(_ socket: Int32, from old: Interest, to new: Interest) {
        guard new != .nothing else { return cpoll_remove(descriptor, socket) }
        cpoll_set(descriptor, socket, new.reads ? 1 : 0, new.writes ? 1 : 0, old == .nothing ? 1 : 0)
    }

    /// Any thread. Ends the current or the next wait.
    func wakeUp() { cpoll_call(waker) }

    /// Fills in the sockets that are ready; those for which there is no room come again.
    /// - Parameters:
    ///   - sockets: as long as there is room; the first of them are written.
    ///   - milliseconds: how long to wait for the first.
    /// - Returns: how many are ready, and whether these are certainly all.
    func wait(_ sockets: inout [Int32], milliseconds: Int32) -> (count: Int, isWhole: Bool) {
        let found = unsafe sockets.withUnsafeMutableBufferPointer {
            unsafe Int(cpoll_wait(descriptor, $0.baseAddress, Int32($0.count), milliseconds))
        }
        guard found > 0 else { return (0, found == 0) }
        var count = found
        if let called = sockets.prefix(found).firstIndex(of: waker) {
            cpoll_heard(waker)
            count -= 1
            sockets.swapAt(called, count)
        }
        return (count, found < min(sockets.count, Self.most))
    }

    func free() {
        close(waker)
        close(descriptor)
    }
}
