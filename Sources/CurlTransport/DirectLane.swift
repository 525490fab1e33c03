// The direct lane: libcurl resolves, connects, tunnels, verifies and moves the bytes of HTTP/1.1; the codec frames them.

internal import CCurl
internal import DequeModule
internal import HTTP1
internal import Model

/// Connections to the tenant and the transfers on them. A part of the loop.
struct DirectLane {
    private let settings: CurlSettings
    /// Of its connections alone.
    let multi: MultiHandle
    private let book: ConnectionBook
    private let addresses: HeaderList
    /// By the address of their handle.
    private var connecting: [UInt: DirectConnection] = [:]
    /// The last one was used last.
    private var idle: [DirectConnection] = []
    var busy: [TransferID: DirectConnection] = [:]
    /// For a connection.
    private var waiting: Deque<DirectTransfer> = []
    /// How many connections are still to be begun for them. With those on their way there are at least as many as requests that wait: each
    /// request has one begun for it, unless it gets another before, and one that is left over from somebody else does not count.
    private var wanted = 0
    private var sessions = TLSSessions()
    var scratch = [UInt8](repeating: 0, count: 16_384)
    private let readiness: Readiness
    /// Everybody that is connected, by socket.
    private var connected: [Int32: DirectConnection] = [:]
    /// Connections with bytes that no socket shows any more; they go on in the next pass.
    private var unread: [DirectConnection] = []
    /// How often the system's list has been looked at, and whether that was since the last pass and showed everything.
    private var looks: UInt64 = 0
    private var isLookFresh = false
    /// When files were to be read anew: nothing from before is used for new requests, on either lane.
    var reloadedAt: ContinuousClock.Instant?
    /// When the present pass began.
    private(set) var now = ContinuousClock.now

    /// An idle connection may have been forgotten on the way after that.
    private static let longestIdle = Duration.seconds(110)

    init(
        _ settings: CurlSettings, _ multi: MultiHandle, _ readiness: Readiness, _ book: ConnectionBook,
        _ addresses: HeaderList
    ) {
        (self.settings, self.multi, self.book, self.addresses) = (settings, multi, book, addresses)
        self.readiness = readiness
    }

    var isEmpty: Bool { busy.isEmpty && waiting.isEmpty }
    /// Whether libcurl has something to do for it.
    var isConnecting: Bool { !connecting.isEmpty }

    // MARK: commands

    mutating func start(_ transfer: DirectTransfer) {
        while let connection = idle.popLast() {
            if isUsable(connection, for: transfer) { return begin(transfer, on: connection) }
            close(connection)
        }
        enqueue(transfer)
    }

    /// Whether it is young enough, and nothing has come over it that nobody asked for: no end, and no answer that the next request would
    /// take for its own. One that has been read from, whose TLS session held nothing then, and which the system's list has not shown
    /// when it was looked at since, is not read from again.
    private mutating func isUsable(_ connection: DirectConnection, for transfer: DirectTransfer) -> Bool {
        connection.born >= transfer.earliest && now - connection.idleSince < Self.longestIdle
            && ((isLookFresh && connection.looks < looks) || isQuiet(connection))
    }

    /// TLS has things to say that are no bytes; what is one, or the end, is no quiet.
    private mutating func isQuiet(_ connection: DirectConnection) -> Bool {
        guard case .nothing = receive(connection) else { return false }
        // A part of a record may be of a ticket that comes with the handshake; behind an answer nothing is expected.
        return connection.uses == 0 || !connection.hasPending
    }

    mutating func receive(_ connection: DirectConnection) -> DirectConnection.Received {
        connection.looks = looks
        return connection.receive(&scratch)
    }

    mutating func enqueue(_ transfer: DirectTransfer) {
        waiting.append(transfer)
        wanted += 1
    }

    /// A request waits no more, and no connection that was on its way has come for it.
    private mutating func needOneLess() { wanted = max(0, wanted - 1) }

    /// Begins the next connection that somebody waits for. One in a pass: requests on other connections go on in between, and whoever
    /// gets one of those meanwhile needs none of his own.
    mutating func connectNext() {
        guard wanted > 0 else { return }
        wanted -= 1
        guard let easy = EasyHandle(settings, addresses: addresses, book: book) else {
            return giveUp(CURLE_OUT_OF_MEMORY)
        }
        let now = ContinuousClock.now
        guard easy.prepareConnection(to: settings.origin, oldestAuthorities: oldestAuthorities(at: now)),
            sessions.lend(to: easy, from: earliest(within: settings.connectionAge, at: now), at: now), multi.add(easy)
        else {
            easy.free()
            return giveUp(CURLE_FAILED_INIT)
        }
        connecting[easy.address] = DirectConnection(easy, book: book, at: now)
    }

    /// From when on what is used may be: not older than that, and not from before a reload, which may be later than `now`.
    func earliest(within age: Duration, at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        max(now - age, reloadedAt ?? now - age)
    }

    /// How long ago authorities may have been read.
    func oldestAuthorities(at now: ContinuousClock.Instant) -> Duration {
        max(.zero, now - earliest(within: settings.authoritiesAge, at: now))
    }

    /// libcurl is done with a handle of the lane.
    /// - Returns: false when it is none.
    mutating func connected(_ address: UInt, _ code: CURLcode) -> Bool {
        guard let connection = connecting.removeValue(forKey: address) else { return false }
        guard code == CURLE_OK else {
            close(connection)
            endedUnused()
            giveUp(code)
            return true
        }
        connection.connected()
        guard readiness.add(connection.socket, connection.awaited) else {
            close(connection)
            giveUp(CURLE_OUT_OF_MEMORY)
            return true
        }
        connected[connection.socket] = connection
        makeIdle(connection)
        return true
    }

    /// A connection was not made. One whose request has found another meanwhile is missed by nobody.
    private mutating func giveUp(_ code: CURLcode) {
        if connecting.count + wanted < waiting.count { waiting.popFirst()?.end(code) }
    }

    mutating func resume(_ id: TransferID) -> Bool {
        guard let connection = busy[id] else { return waiting.contains { $0.id == id } }
        connection.isPaused = false
        move(connection)
        return true
    }

    /// - Returns: false when there is no such transfer.
    mutating func stop(_ id: TransferID, _ reason: TransferPhase.Stop, _ code: CURLcode) -> Bool {
        if let connection = busy[id] {
            connection.transfer?.stop(reason)
            fail(connection, code)
            return true
        }
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return false }
        let transfer = waiting.remove(at: index)
        needOneLess()
        transfer.stop(reason)
        transfer.end(code)
        return true
    }

    mutating func stopOverdue(_ now: ContinuousClock.Instant) {
        for transfer in busy.values.compactMap(\.transfer) + waiting where transfer.phase.isOverdue(at: now) {
            _ = stop(transfer.id, .overdue(transfer.feed), CURLE_OPERATION_TIMEDOUT)
        }
    }

    mutating func stopAll() {
        for id in busy.keys + waiting.map(\.id) { _ = stop(id, .cancelled, CURLE_ABORTED_BY_CALLBACK) }
    }

    mutating func tearDown() {
        for connection in idle + connecting.values { close(connection) }
        (idle, connecting) = ([], [:])
        sessions.free()
    }

    // MARK: what is ready

    /// The system's list has been looked at.
    /// - Parameter sawAll: whether it has told everything.
    mutating func looked(sawAll: Bool, at now: ContinuousClock.Instant) {
        looks += 1
        (self.now, isLookFresh) = (now, sawAll)
    }

    /// The list has shown a socket. Nobody has asked anything on an idle connection: whatever it says, or its end, ends it.
    mutating func lookAtIdle(_ socket: Int32) {
        guard let connection = connected[socket], connection.transfer == nil,
            let index = idle.firstIndex(where: { $0 === connection }), !isQuiet(connection)
        else { return }
        idle.remove(at: index)
        close(connection)
    }

    /// What was left over in the last pass.
    mutating func moveUnread() {
        let unread = unread
        self.unread = []
        for connection in unread {
            connection.isUnread = false
            if !connection.isOver { move(connection) }
        }
    }

    /// The list has shown a socket.
    /// - Returns: false when it is none of a connection that stands.
    mutating func moveReady(_ socket: Int32) -> Bool {
        guard let connection = connected[socket] else { return false }
        move(connection)
        return true
    }

    /// Whether there is something to go on with before anything is ready.
    var hasMore: Bool { !unread.isEmpty || wanted > 0 }

    /// What has come has been looked at as far as its share of a pass goes.
    mutating func goOn(_ connection: DirectConnection) {
        guard !connection.isUnread, connection.hasPending else { return }
        connection.isUnread = true
        unread.append(connection)
    }

    /// The pass is over: what the list showed is no longer news.
    mutating func passed() { isLookFresh = false }

    /// Tells the system what the connection waits for now.
    func announce(_ connection: DirectConnection) {
        let events = connection.interest
        guard !connection.isOver, events != connection.awaited else { return }
        readiness.change(connection.socket, from: connection.awaited, to: events)
        connection.awaited = events
    }

    // MARK: after a transfer

    /// A connection that the request that waits longest cannot use. Mostly the one that was begun for it is still on its way.
    private mutating func replace(_ connection: DirectConnection, for next: DirectTransfer) {
        let isOld = connection.born < next.earliest
        close(connection)
        guard connecting.count + wanted < waiting.count else { return }
        waiting.removeFirst()
        // A tenant that ends new connections at once is not asked again and again.
        if isOld { return enqueue(next) }
        endedUnused()
        next.end(CURLE_RECV_ERROR)
    }

    /// A connection has come to nothing: the next one does not resume what may have been the reason.
    mutating func endedUnused() { sessions.forget() }

    mutating func makeIdle(_ connection: DirectConnection) {
        if let next = waiting.first {
            guard isUsable(connection, for: next) else { return replace(connection, for: next) }
            waiting.removeFirst()
            // One that has just been made is no longer on its way; one that comes back spares another.
            if connection.uses > 0 { needOneLess() }
            return begin(next, on: connection)
        }
        idle.append(connection)
        if idle.count > settings.keptConnections { close(idle.removeFirst()) }
    }

    mutating func close(_ connection: DirectConnection) {
        if connected[connection.socket] === connection { connected[connection.socket] = nil }
        connection.isOver = true
        multi.remove(connection.easy)
        connection.easy.free()
    }
}
