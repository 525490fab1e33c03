// The libcurl multi handle: all transfers of the loop thread.

internal import CCurl
internal import Model

/// Owned by the loop thread but for `wakeUp`, which libcurl lets any thread call.
@safe struct MultiHandle: @unchecked Sendable {
    // Guarded by confinement: every call but `wakeUp` is made on the loop thread.
    private let raw: UnsafeMutableRawPointer

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

    /// The next transfer that is over, with libcurl's result.
    func nextFinished() -> (context: UnsafeMutableRawPointer, code: CURLcode)? {
        var code = CURLE_OK
        guard let easy = unsafe ccurl_next_finished(raw, &code), let context = unsafe ccurl_context(easy) else {
            return nil
        }
        return unsafe (context, code)
    }

    /// Waits for a socket, a timer of libcurl, `wakeUp`, or so many milliseconds.
    func wait(milliseconds: Int32) { unsafe curl_multi_poll(raw, nil, 0, milliseconds, nil) }

    /// Any thread. Ends the current or the next `wait`.
    func wakeUp() { unsafe curl_multi_wakeup(raw) }

    func free() { unsafe curl_multi_cleanup(raw) }
}
