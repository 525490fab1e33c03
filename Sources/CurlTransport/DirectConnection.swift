// A connection that libcurl made, and bytes in both directions.

internal import CCurl
internal import Model

/// Connected, tunnelled and verified by libcurl, used by one transfer after another. Loop only.
final class DirectConnection {
    enum Received {
        case bytes(Int)
        case nothing
        /// The peer has ended it.
        case end
        case failed(CURLcode)
    }

    let easy: EasyHandle
    let born: ContinuousClock.Instant
    private let book: ConnectionBook
    private(set) var socket: Int32 = -1
    /// The address of its TLS session; 0 without one.
    private var session: UInt = 0
    private var hasLearnt = false
    var idleSince: ContinuousClock.Instant
    /// Of how many transfers there were before the present one.
    private(set) var uses = 0
    private(set) var transfer: DirectTransfer?
    /// What has come and could not be read yet.
    private(set) var inbox: [UInt8] = []
    /// The peer takes no bytes just now.
    var isStalled = false
    /// Whoever takes the answer has enough for now.
    var isPaused = false
    /// What the system was told to look for.
    var awaited = Readiness.Interest.reading
    /// It goes on in the next pass, whatever its socket shows.
    var isUnread = false
    /// Its socket is no more.
    var isOver = false
    /// Nothing more is sent: the answer to what was may still come.
    var sendFault: CURLcode?

    init(_ easy: EasyHandle, book: ConnectionBook, at now: ContinuousClock.Instant) {
        (self.easy, self.book, born, idleSince) = (easy, book, now, now)
    }

    /// How often the system's list had been looked at when it was last read from; never, at first. See `DirectLane.isUsable`.
    var looks: UInt64 = .max

    private static let pending = unsafe ccurl_find_pending()

    func connected() { (socket, idleSince) = (Int32(easy.socket), .now) }

    /// libcurl shows the session once it has been used. What another one at its address has said is over.
    private func learnSession() {
        guard !hasLearnt else { return }
        (hasLearnt, session) = (true, easy.session)
        book.forgetGoodbye(session)
    }

    /// Whether bytes have come that its socket does not show any more.
    var hasPending: Bool {
        guard session != 0, let pending = unsafe Self.pending else { return false }
        return unsafe pending(UnsafeRawPointer(bitPattern: session)) != 0
    }

    func take(_ transfer: DirectTransfer) {
        self.transfer = transfer
        (isStalled, isPaused, sendFault) = (false, false, nil)
        book.entered()
    }

    func leave(at now: ContinuousClock.Instant) {
        guard transfer != nil else { return }
        transfer = nil
        (isStalled, isPaused) = (false, false)
        uses += 1
        idleSince = now
        book.left()
    }

    /// Whether the end of the connection may have been somebody's on the way.
    var lacksGoodbye: Bool { book.lacksGoodbye(session) }

    /// What of `out` the peer takes now; nil when it takes nothing.
    func send(_ transfer: DirectTransfer) -> Result<Int?, DirectFault> {
        var count = 0
        let code = unsafe transfer.out.withUnsafeBytes { bytes in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[transfer.sent...])
            return unsafe ccurl_send(easy.raw, rest.baseAddress, rest.count, &count)
        }
        switch code {
        case CURLE_OK:
            learnSession()
            return .success(count)
        case CURLE_AGAIN: return .success(nil)
        default: return .failure(DirectFault(code: code))
        }
    }

    func receive(_ scratch: inout [UInt8]) -> Received {
        var count = 0
        let code = unsafe scratch.withUnsafeMutableBytes { bytes in
            unsafe ccurl_receive(easy.raw, bytes.baseAddress, bytes.count, &count)
        }
        learnSession()
        switch code {
        case CURLE_OK where count == 0: return .end
        case CURLE_OK: return .bytes(count)
        case CURLE_AGAIN: return .nothing
        default: return .failed(code)
        }
    }

    /// What it waits for.
    var interest: Readiness.Interest { Readiness.Interest(reads: !isPaused, writes: isStalled && sendFault == nil) }

    /// Gives what has come to the transfer; what it cannot read yet is kept.
    /// - Returns: as `DirectTransfer.read`.
    func read(_ scratch: [UInt8], upTo end: Int, by transfer: DirectTransfer) -> Bool? {
        var position = 0
        guard !inbox.isEmpty else {
            let result = transfer.read(scratch, &position, upTo: end)
            if position < end { inbox = Array(scratch[position..<end]) }
            return result
        }
        inbox += scratch[..<end]
        let result = transfer.read(inbox, &position, upTo: inbox.count)
        inbox.removeFirst(position)
        return result
    }
}

struct DirectFault: Error { let code: CURLcode }
