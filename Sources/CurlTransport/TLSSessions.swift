// TLS sessions that new connections resume.

internal import CCurl

/// What the tenant gives at one connection to be shown at the next, which spares both sides the certificate and its verification.
/// It is kept no longer than a connection, and never beyond a reload or a connection that came to nothing. Loop only.
@safe struct TLSSessions {
    private var current: UnsafeMutableRawPointer?
    private var born = ContinuousClock.now
    /// Those that connections may still refer to.
    private var former: [UnsafeMutableRawPointer]

    init() {
        unsafe current = nil
        unsafe former = []
    }

    /// Has the next connection of a handle resume one, if there is one that is not older than `earliest`, and keep those that it is given.
    /// - Returns: false when libcurl refuses; the handle is unchanged when there is no memory for sessions.
    mutating func lend(to easy: EasyHandle, from earliest: ContinuousClock.Instant, at now: ContinuousClock.Instant)
        -> Bool
    {
        if born < earliest { forget() }
        if unsafe current == nil {
            unsafe (current, born) = (ccurl_make_sessions(), now)
        }
        guard let sessions = unsafe current else { return true }
        return unsafe ccurl_set_sessions(easy.raw, sessions) == CURLE_OK
    }

    /// From now on nothing of before is resumed.
    mutating func forget() {
        if let current = unsafe current { unsafe former.append(current) }
        unsafe current = nil
        // Whatever a connection refers to is refused, and asked again the next time.
        unsafe former.removeAll { unsafe curl_share_cleanup($0) == CURLSHE_OK }
    }

    /// After the last connection.
    mutating func free() {
        forget()
        assert(unsafe former.isEmpty)
    }
}
