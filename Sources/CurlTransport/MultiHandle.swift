// A libcurl multi handle: transfers that share connections.

internal import CCurl
internal import Model

/// Owned by the loop thread.
@safe struct MultiHandle: Equatable, @unchecked Sendable {
    // Guarded by confinement: every call is made on the loop thread.
    private let raw: UnsafeMutableRawPointer

    static func == (left: Self, right: Self) -> Bool { unsafe left.raw == right.raw }

    init?(keptConnections: Int) {
        guard let raw = unsafe curl_multi_init() else { return nil }
        unsafe self.raw = raw
        guard unsafe ccurl_configure_multi(raw, keptConnections) == CURLM_OK else {
            unsafe curl_multi_cleanup(raw)
            return nil
        }
    }

    func add(_ easy: EasyHandle) -> Bool { unsafe curl_multi_add_handle(raw, easy.raw) == CURLM_OK }
    func remove(_ easy: EasyHandle) { unsafe curl_multi_remove_handle(raw, easy.raw) }

    /// Moves every transfer as far as it goes without waiting. Calls back.
    func perform() {
        var running: Int32 = 0
        unsafe curl_multi_perform(raw, &running)
    }

    /// The next handle that libcurl is done with: its address, what it was given as context, and the result.
    func nextFinished() -> (address: UInt, context: UnsafeMutableRawPointer?, code: CURLcode)? {
        var code = CURLE_OK
        guard let easy = unsafe ccurl_next_finished(raw, &code) else { return nil }
        return unsafe (UInt(bitPattern: easy), ccurl_context(easy), code)
    }

    /// Waits for a socket or a timer of libcurl, for something to read on `descriptor`, or so many milliseconds.
    func wait(milliseconds: Int32, orFor descriptor: Int32) {
        var other = curl_waitfd(fd: descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        unsafe curl_multi_poll(raw, &other, 1, milliseconds, nil)
    }

    func free() { unsafe curl_multi_cleanup(raw) }
}
