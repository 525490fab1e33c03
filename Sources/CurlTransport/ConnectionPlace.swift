// Where libcurl keeps a connection of the direct lane.

internal import CCurl

/// A place for one connection: libcurl looks it up at each sending and receiving, among all that are in the same place. Loop thread only.
@safe struct ConnectionPlace {
    private let raw: UnsafeMutableRawPointer

    /// Nil when there is no memory.
    init?() {
        guard let raw = unsafe ccurl_place() else { return nil }
        unsafe self.raw = raw
    }

    /// - Returns: false when libcurl refuses.
    func take(_ easy: EasyHandle) -> Bool { unsafe ccurl_set_place(easy.raw, raw) == CURLE_OK }

    /// After the handle is freed.
    func free() { unsafe curl_share_cleanup(raw) }
}
