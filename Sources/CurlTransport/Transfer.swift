// One request in libcurl's hands.

internal import CCurl
internal import HTTP1
internal import Model

/// Names a transfer across threads; the transfer itself stays on the loop.
struct TransferID: Hashable, Sendable {
    private let number: UInt64
    init(_ number: UInt64) { self.number = number }
}

/// A transfer from its start to its end. Loop only.
final class Transfer {
    /// What becomes of a piece that libcurl offers.
    enum Reception { case taken, pause, refused }

    let id: TransferID
    let easy: EasyHandle
    /// Where it is.
    let multi: MultiHandle
    let feed: BodyFeed?
    private let book: ConnectionBook
    /// Of the connection that the request went out on.
    private var (session, socket): (UInt, Int32?) = (0, nil)
    var lines = HeaderList()
    private var handover: AnswerHandover
    var phase: TransferPhase { handover.phase }
    private var hasAskedForTrailers = false
    /// Whether no other request can be on its connection.
    private let isAlone: Bool
    /// Nothing was sent, because something had come over its connection that nobody had asked for.
    private(set) var needsFreshConnection = false
    private var reader: AnswerHeadReader
    /// As far as it has come.
    private var head: [UInt8] = []

    init(
        id: TransferID, easy: EasyHandle, multi: MultiHandle, mailbox: AnswerMailbox, feed: BodyFeed?,
        book: ConnectionBook,
        phase: TransferPhase, isHead: Bool, mayBeHTTP2: Bool, isAlone: Bool
    ) {
        self.isAlone = isAlone
        (self.id, self.easy, self.multi, self.feed, self.book) = (id, easy, multi, feed, book)
        handover = AnswerHandover(mailbox: mailbox, phase: phase)
        reader = AnswerHeadReader(isHead: isHead, mayBeHTTP2: mayBeHTTP2)
    }

    /// A handle that has asked for trailers remembers that it is done with them: at its next chunked body libcurl 7.88 writes the size
    /// of a chunk in front of its buffer.
    var leavesHandleClean: Bool { !hasAskedForTrailers }

    // MARK: inside libcurl's callbacks

    /// - Parameter localPort: of the connection.
    func aboutToSend(_ localPort: Int32) -> Bool {
        leaveConnection()
        let sockets = book.sockets(onLocalPort: localPort)
        if isAlone, easy.isReused, sockets.contains(where: hasUnread) {
            needsFreshConnection = true
            return false
        }
        session = easy.session
        book.forgetGoodbye(session)
        socket = sockets.first
        if let socket { book.entered(socket) }
        return handover.phase.aboutToSend()
    }

    private func leaveConnection() {
        if let socket { book.left(socket) }
        socket = nil
    }

    /// It goes out on a connection of its own.
    /// - Returns: false when libcurl refuses.
    func startAfresh() -> Bool {
        needsFreshConnection = false
        multi.remove(easy)
        return easy.connectAfresh() && multi.add(easy)
    }

    func receiveHeadLine(_ line: [UInt8]) -> Bool {
        handover.hasProgress = true
        if reader.isBeforeHead { head = [] }
        let start = head.count
        head += line
        switch reader.read(head, start..<head.count, of: 0) {
        case .more: return true
        case .head:
            handover.headArrived(reader.status, reader.fields)
            return true
        case .broken:
            handover.phase.stopped(.brokenAnswer)
            return false
        }
    }

    func receiveBody(_ piece: UnsafeRawBufferPointer) -> Reception {
        handover.hasProgress = true
        guard handover.phase.hasHead else {
            handover.phase.stopped(.brokenAnswer)
            return .refused
        }
        if handover.mustPause { return .pause }
        unsafe handover.delivery.piece.append(contentsOf: piece)
        return .taken
    }

    func supplyBody(_ buffer: UnsafeMutableRawBufferPointer) -> BodyFeed.Read {
        guard let feed else { return .failed }
        let read = feed.read(into: buffer)
        if case .copied = read { (handover.hasProgress, handover.hasUploaded) = (true, true) }
        if read == .failed { handover.phase.stopped(.requestBody) }
        return read
    }

    /// The trailers of the request's body as lines; libcurl frees them. Nil when there is no memory.
    func supplyTrailers() -> HeaderList? {
        hasAskedForTrailers = true
        var list = HeaderList()
        guard let trailers = feed?.trailers else { return list }
        for index in 0..<trailers.count {
            guard list.append(trailers.line(index)) else {
                list.free()
                return nil
            }
        }
        return list
    }

    // MARK: between passes

    /// Hands over what the pass has brought.
    func flush(at now: ContinuousClock.Instant) { handover.flush(at: now) }

    func stop(_ reason: TransferPhase.Stop) { handover.phase.stopped(reason) }

    /// Whether the end of the connection was the end of the answer, and the tenant has not said that it is.
    private var isCutByTheWay: Bool {
        reader.endsWithConnection && book.lacksGoodbye(session)
    }

    /// libcurl is done with it, or we took it out; tells whoever waits.
    func end(_ code: CURLcode) {
        handover.end(code, succeeded: code == CURLE_OK && !isCutByTheWay, trailers: reader.trailers)
        feed?.abandon()
        lines.free()
        leaveConnection()
    }
}
