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

    /// The next handle that libcurl is done with: its address, what it was given as context, and the result.
    func nextFinished() -> (address: UInt, context: UnsafeMutableRawPointer?, code: CURLcode)? {
        var code = CURLE_OK
        guard let easy = unsafe ccurl_next_finished(raw, &code) else { return nil }
        return unsafe (UInt(bitPattern: easy), ccurl_context(easy), code)
    }

    /// Waits for a socket, a timer of libcurl, `wakeUp`, or so many milliseconds.
    /// - Parameter sockets: those of the direct lane; told what they are ready for.
    func wait(milliseconds: Int32, _ sockets: inout [curl_waitfd]) {
        unsafe sockets.withUnsafeMutableBufferPointer {
            unsafe _ = curl_multi_poll(raw, $0.baseAddress, UInt32($0.count), milliseconds, nil)
        }
    }

    /// Any thread. Ends the current or the next `wait`.
    func wakeUp() { unsafe curl_multi_wakeup(raw) }

    func free() { unsafe curl_multi_cleanup(raw) }
}
