// Which connections have ended as TLS wants it, with close_notify.

internal import CCurl

/// libcurl 7.88 takes any end of a connection for the end of an answer that has no other: whoever sits on the way could cut it. TLS
/// says goodbye before a proper end (RFC 8446 section 6.1), and that is kept here, by the
/// session's address. Loop thread only.
final class TLSGoodbyes {
    private var sessions: Set<UInt> = []
    /// Whether libcurl's TLS library lets us look.
    fileprivate(set) var isWatching = false

    /// Whether the connection of `session` has ended properly.
    func contains(_ session: UInt) -> Bool { sessions.contains(session) }

    /// A request goes out on the connection of `session`: what another one at this address has said is over.
    func forget(_ session: UInt) { sessions.remove(session) }

    fileprivate func add(_ session: UInt) { sessions.insert(session) }
}

/// A connection is about to be made with this TLS context.
let connectionMade:
    @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> CURLcode = {
        _, tlsContext, context in
        guard let context = unsafe context else { return CURLE_OK }
        let goodbyes = unsafe Unmanaged<TLSGoodbyes>.fromOpaque(context).takeUnretainedValue()
        goodbyes.isWatching = unsafe ccurl_watch_records(tlsContext, recordSeen, context) != 0
        return CURLE_OK
    }

/// One TLS record, or the header of one.
private let recordSeen:
    @convention(c) (
        Int32, Int32, Int32, UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?
    ) -> Void = { isSent, _, type, bytes, count, session, context in
        let alert: Int32 = 21
        let closeNotify: UInt8 = 0
        guard isSent == 0, type == alert, count == 2, let bytes = unsafe bytes, let session = unsafe session,
            let context = unsafe context, unsafe bytes.load(fromByteOffset: 1, as: UInt8.self) == closeNotify
        else { return }
        unsafe Unmanaged<TLSGoodbyes>.fromOpaque(context).takeUnretainedValue().add(UInt(bitPattern: session))
    }
