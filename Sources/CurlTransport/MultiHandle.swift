// A libcurl multi handle: transfers that share connections.

internal import CCurl
internal import CPoll
internal import Model

/// Owned by the loop, which may be made elsewhere than it runs.
@safe struct MultiHandle: Equatable, @unchecked Sendable {
    // Guarded by confinement: every call is made where the loop is.
    private let raw: UnsafeMutableRawPointer
    private let wishes: MultiWishes

    static func == (left: Self, right: Self) -> Bool { unsafe left.raw == right.raw }

    /// - Parameter readiness: the list on which it puts its sockets; it outlives the handle.
    init?(keptConnections: Int, _ readiness: Readiness) {
        guard let raw = unsafe curl_multi_init() else { return nil }
        unsafe self.raw = raw
        wishes = MultiWishes(readiness)
        let context = unsafe Unmanaged.passUnretained(wishes).toOpaque()
        guard unsafe ccurl_configure_multi(raw, keptConnections) == CURLM_OK,
            unsafe ccurl_set_wishes(raw, socketWished, timeWished, context) == CURLM_OK
        else {
            unsafe curl_multi_cleanup(raw)
            return nil
        }
    }

    func add(_ easy: EasyHandle) -> Bool { unsafe curl_multi_add_handle(raw, easy.raw) == CURLM_OK }
    func remove(_ easy: EasyHandle) { unsafe curl_multi_remove_handle(raw, easy.raw) }

    /// When it wants `timePassed` to be called; nil for not at all.
    var due: ContinuousClock.Instant? { wishes.due }

    /// Whether it waits for a socket.
    func waits(for socket: Int32) -> Bool { wishes.sockets[socket] != nil }

    /// A socket that it waits for is ready. Calls back.
    func moved(_ socket: Readiness.Ready) {
        wishes.hasNews = true
        unsafe ccurl_socket_ready(raw, socket.descriptor, socket.reads, socket.writes)
    }

    /// The time has come. Calls back.
    func timePassed() {
        (wishes.due, wishes.hasNews) = (nil, true)
        unsafe ccurl_time_passed(raw)
    }

    /// libcurl 7.88 forgets to go on by itself when one of several addresses refuses late: whoever connects is looked after now and then.
    /// Calls back.
    func moveAll() {
        wishes.hasNews = true
        unsafe ccurl_move_all(raw)
    }

    /// A socket has this number now. Where libcurl waits for one of that number, it may have closed the other without a word, and the
    /// list has lost it then.
    func reopened(_ socket: Int32) { wishes.repeatWish(for: socket) }

    /// The next handle that libcurl is done with: its address, what it was given as context, and the result.
    func nextFinished() -> (address: UInt, context: UnsafeMutableRawPointer?, code: CURLcode)? {
        guard wishes.hasNews else { return nil }
        var code = CURLE_OK
        guard let easy = unsafe ccurl_next_finished(raw, &code) else {
            wishes.hasNews = false
            return nil
        }
        return unsafe (UInt(bitPattern: easy), ccurl_context(easy), code)
    }

    func free() { unsafe curl_multi_cleanup(raw) }
}

/// What a multi handle waits for. Loop only.
private final class MultiWishes {
    private let readiness: Readiness
    fileprivate(set) var sockets: [Int32: Readiness.Interest] = [:]
    var due: ContinuousClock.Instant?
    /// libcurl has worked since it was last asked what it is done with.
    var hasNews = false

    init(_ readiness: Readiness) { self.readiness = readiness }

    func repeatWish(for socket: Int32) { if let interest = sockets[socket] { readiness.add(socket, interest) } }

    /// - Parameter interest: nil for none any more.
    func wish(_ socket: Int32, _ interest: Readiness.Interest?) {
        readiness.change(socket, from: sockets[socket] ?? .nothing, to: interest ?? .nothing)
        sockets[socket] = interest
    }
}

private func wishes(_ context: UnsafeMutableRawPointer?) -> MultiWishes? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<MultiWishes>.fromOpaque(context).takeUnretainedValue()
}

/// libcurl waits for a socket, or does not any more.
private let socketWished:
    @convention(c) (
        UnsafeMutableRawPointer?, curl_socket_t, Int32, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?
    ) -> Int32 = { _, socket, what, context, _ in
        let isOver = what == CURL_POLL_REMOVE
        unsafe wishes(context)?.wish(
            socket,
            isOver ? nil : Readiness.Interest(reads: what & CURL_POLL_IN != 0, writes: what & CURL_POLL_OUT != 0))
        return 0
    }

/// libcurl waits for so many milliseconds to pass; for none when negative.
private let timeWished: @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeMutableRawPointer?) -> Int32 = {
    _, milliseconds, context in
    unsafe wishes(context)?.due = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
    return 0
}
