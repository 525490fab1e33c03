// What is known of libcurl's connections: how many there are, which are in use, and which have ended as TLS wants it.

internal import CCurl
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// One for each loop; outlives every handle. Loop only, but for the counts.
final class ConnectionBook: Sendable {
    private struct Pages {
        /// How many transfers use a socket: more than one with HTTP/2.
        var users: [Int32: Int] = [:]
        /// By their local port. More than one has the same only when they go to different addresses.
        var sockets: [Int32: [Int32]] = [:]
        var ports: [Int32: Int32] = [:]
        /// Those whose port was not asked for yet.
        var unnamed: Set<Int32> = []
        /// Since they were last asked for.
        var opened: [Int32] = []
        /// Addresses of TLS sessions whose peer has said goodbye.
        var goodbyes: Set<UInt> = []
    }

    /// Of the loop alone.
    private nonisolated(unsafe) var pages = Pages()
    private let openCount = Atomic<Int>(0)
    private let sharedCount = Atomic<Int>(0)
    private let directCount = Atomic<Int>(0)
    private let watches = Atomic<Bool>(false)

    // MARK: any thread

    /// Connections to the tenant, or on their way to it.
    var open: Int { openCount.load(ordering: .relaxed) }
    /// Those that a request or an answer is on.
    var busy: Int { sharedCount.load(ordering: .relaxed) + directCount.load(ordering: .relaxed) }

    // MARK: use

    /// A transfer has a connection for itself.
    func entered() { directCount.add(1, ordering: .relaxed) }
    func left() { directCount.subtract(1, ordering: .relaxed) }

    // With HTTP/2 it may share one with others.

    func entered(_ socket: Int32) {
        unsafe pages.users[socket, default: 0] += 1
        unsafe sharedCount.store(pages.users.count, ordering: .relaxed)
    }

    func left(_ socket: Int32) {
        unsafe pages.users[socket] = pages.users[socket].flatMap { $0 > 1 ? $0 - 1 : nil }
        unsafe sharedCount.store(pages.users.count, ordering: .relaxed)
    }

    /// The socket of a connection, or the few that it may be: libcurl tells the port while a transfer is under way, and the socket
    /// afterwards.
    func sockets(onLocalPort port: Int32) -> [Int32] {
        for socket in unsafe pages.unnamed {
            guard let port = localPort(of: socket) else { continue }
            unsafe pages.sockets[port, default: []].append(socket)
            unsafe pages.ports[socket] = port
            unsafe _ = pages.unnamed.remove(socket)
        }
        return unsafe pages.sockets[port] ?? []
    }

    /// The sockets that have been opened since the last call.
    func takeOpened() -> [Int32] {
        guard unsafe !pages.opened.isEmpty else { return [] }
        defer { unsafe pages.opened = [] }
        return unsafe pages.opened
    }

    fileprivate func opened(_ socket: Int32) {
        // libcurl 7.88 closes a socket that is not connected yet without a word.
        if unsafe pages.unnamed.contains(socket) || pages.ports[socket] != nil { closed(socket) }
        unsafe pages.opened.append(socket)
        unsafe _ = pages.unnamed.insert(socket)
        openCount.add(1, ordering: .relaxed)
    }

    fileprivate func closed(_ socket: Int32) {
        unsafe _ = pages.unnamed.remove(socket)
        if let port = unsafe pages.ports.removeValue(forKey: socket) {
            let left = unsafe pages.sockets[port]?.filter { $0 != socket } ?? []
            unsafe pages.sockets[port] = left.isEmpty ? nil : left
        }
        openCount.subtract(1, ordering: .relaxed)
    }

    // MARK: TLS's goodbye (close_notify, RFC 8446 section 6.1)

    // libcurl 7.88 takes any end of a connection for the end of an answer that has no other: whoever sits on the way could cut it.

    /// Whether the peer of `session` may have ended the connection without a goodbye; no where libcurl's TLS library lets nobody look.
    func lacksGoodbye(_ session: UInt) -> Bool {
        guard watches.load(ordering: .relaxed), session != 0 else { return false }
        return unsafe !pages.goodbyes.contains(session)
    }

    /// A request goes out in this session: what another one at this address has said is over.
    func forgetGoodbye(_ session: UInt) { unsafe _ = pages.goodbyes.remove(session) }

    fileprivate func goodbye(_ session: UInt) { unsafe _ = pages.goodbyes.insert(session) }
    fileprivate func watch() { watches.store(true, ordering: .relaxed) }
}

private func book(_ context: UnsafeMutableRawPointer?) -> ConnectionBook? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<ConnectionBook>.fromOpaque(context).takeUnretainedValue()
}

/// Nil for a socket that is bound to none yet.
private func localPort(of socket: Int32) -> Int32? {
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let code = unsafe withUnsafeMutablePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(socket, $0, &length) }
    }
    // The port stands in the same place in both families.
    guard code == 0, address.sin6_port != 0 else { return nil }
    return Int32(UInt16(bigEndian: address.sin6_port))
}

/// Whether something has come that nobody has read, be it the end.
func hasUnread(_ socket: Int32) -> Bool {
    var byte: UInt8 = 0
    return unsafe recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) >= 0
}

/// Makes the socket of a connection; no child process inherits it.
let socketWanted:
    @convention(c) (UnsafeMutableRawPointer?, curlsocktype, UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t = {
        context, _, address in
        guard let address = unsafe address?.pointee else { return CURL_SOCKET_BAD }
        let made = socket(address.family, address.socktype | Int32(SOCK_CLOEXEC.rawValue), address.protocol)
        if made != CURL_SOCKET_BAD { unsafe book(context)?.opened(made) }
        return made
    }

let socketDone: @convention(c) (UnsafeMutableRawPointer?, curl_socket_t) -> Int32 = { context, socket in
    unsafe book(context)?.closed(socket)
    return close(socket)
}

/// A connection is about to be made with this TLS context.
let connectionMade:
    @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> CURLcode = {
        _, tlsContext, context in
        if unsafe ccurl_watch_records(tlsContext, recordSeen, context) != 0 { unsafe book(context)?.watch() }
        return CURLE_OK
    }

/// The same for a connection of the direct lane, which reads as `DirectConnection` does: libcurl's own reading would wait for bytes that
/// have been taken already.
let directConnectionMade:
    @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> CURLcode = {
        easy, tlsContext, context in
        unsafe _ = ccurl_read_ahead(tlsContext)
        return unsafe connectionMade(easy, tlsContext, context)
    }

/// One TLS record, or the header of one.
private let recordSeen:
    @convention(c) (
        Int32, Int32, Int32, UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?
    ) -> Void = { isSent, _, type, bytes, count, session, context in
        let alert: Int32 = 21
        let closeNotify: UInt8 = 0
        guard isSent == 0, type == alert, count == 2, let bytes = unsafe bytes,
            unsafe bytes.load(fromByteOffset: 1, as: UInt8.self) == closeNotify
        else { return }
        unsafe book(context)?.goodbye(UInt(bitPattern: session))
    }
