// The loop: owns libcurl's handles from their making to their end.

internal import CCurl
internal import CPoll
internal import HTTP1
internal import Model

/// One pass after another: what is ready, commands, what libcurl has waited for, what is over, what has arrived. Confined to one event
/// loop by `LoopHost`; nothing in it waits.
struct TransferLoop {
    /// What is to be done after a pass.
    enum Next: Equatable {
        /// Wait until something is ready, or until then.
        case wait(until: ContinuousClock.Instant?)
        /// Come back once what else is ready has been looked at.
        case goOn
        case over
    }

    private let settings: CurlSettings
    private let inbox: LoopInbox
    private var pool: ConnectionPool
    private let readiness: Readiness
    private var ready = Readiness.room
    private var transfers: [TransferID: Transfer] = [:]
    private var idle: [EasyHandle] = []
    private var isClosing = false
    /// Whether something was ready in the last pass.
    private(set) var hasFound = false
    private var nextLook: ContinuousClock.Instant = .now
    private var addresses = HeaderList()
    private let book: ConnectionBook
    private let place: RequestWriter.Place
    private var direct: DirectLane
    /// Whether the tenant has spoken HTTP/1.1 where it might have spoken HTTP/2.
    private var speaksHTTP1 = false

    /// How often deadlines are looked at, and whoever connects.
    private static let lookEvery = Duration.milliseconds(100)
    private static let mostIdle = 64

    init(
        _ settings: CurlSettings, _ inbox: LoopInbox, _ multis: (general: MultiHandle, direct: MultiHandle),
        _ readiness: Readiness, _ book: ConnectionBook
    ) {
        (self.settings, self.inbox, self.readiness, self.book) = (settings, inbox, readiness, book)
        place = RequestWriter.Place(authority: settings.origin.authority)
        pool = ConnectionPool(multis.general, keptConnections: settings.keptConnections, readiness)
        for address in settings.addresses { _ = addresses.append(Array(address.utf8)[...]) }
        direct = DirectLane(settings, multis.direct, readiness, book, addresses)
    }

    private var isOver: Bool { isClosing && transfers.isEmpty && direct.isEmpty }

    mutating func pass() -> Next {
        let now = ContinuousClock.now
        let (count, isWhole) = readiness.look(&ready)
        hasFound = count > 0
        // What the list shows of connections that nobody uses counts before the next request takes one.
        direct.looked(sawAll: isWhole, at: now)
        for index in 0..<count { direct.lookAtIdle(ready[index].descriptor) }
        for command in inbox.take() { obey(command, at: now) }
        direct.moveUnread()
        for index in 0..<count { move(ready[index]) }
        direct.connectNext()
        let looksAfter = now >= nextLook
        if looksAfter { moveConnecting() }
        work(for: direct.multi, at: .now)
        for multi in pool.all { work(for: multi, at: .now) }
        for socket in book.takeOpened() { for multi in pool.all + [direct.multi] { multi.reopened(socket) } }
        for transfer in transfers.values { transfer.flush(at: now) }
        if looksAfter { stopOverdue(now) }
        pool.freeRetired { multi in transfers.values.contains { $0.multi == multi } }
        direct.passed()
        if isOver { return .over }
        return direct.hasMore ? .goOn : .wait(until: nextMoment)
    }

    private var nextMoment: ContinuousClock.Instant? {
        var moment = transfers.isEmpty && direct.isEmpty ? nil : nextLook
        if let due = direct.multi.due { moment = min(moment ?? due, due) }
        for multi in pool.all { if let due = multi.due { moment = min(moment ?? due, due) } }
        return moment
    }

    private mutating func move(_ socket: Readiness.Ready) {
        if direct.moveReady(socket.descriptor) { return }
        if direct.multi.waits(for: socket.descriptor) { return direct.multi.moved(socket) }
        if let multi = pool.all.first(where: { $0.waits(for: socket.descriptor) }) { return multi.moved(socket) }
        // Nobody's: it would be shown for ever.
        readiness.forget(socket.descriptor)
    }

    /// What libcurl has waited for, and what it is done with.
    private mutating func work(for multi: MultiHandle, at now: ContinuousClock.Instant) {
        if let due = multi.due, due <= now { multi.timePassed() }
        while let (address, context, code) = unsafe multi.nextFinished() {
            if direct.connected(address, code) { continue }
            guard let context = unsafe context else { continue }
            let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
            end(transfer, code)
        }
    }

    /// Whoever has no connection yet; see `MultiHandle.moveAll`.
    private func moveConnecting() {
        if direct.isConnecting { direct.multi.moveAll() }
        for multi in pool.all where transfers.values.contains(where: { $0.multi == multi && !$0.phase.maybeSent }) {
            multi.moveAll()
        }
    }

    private mutating func stopOverdue(_ now: ContinuousClock.Instant) {
        nextLook = now + Self.lookEvery
        for transfer in transfers.values where transfer.phase.isOverdue(at: now) {
            transfer.stop(.overdue(transfer.feed))
            end(transfer, CURLE_OPERATION_TIMEDOUT)
        }
        direct.stopOverdue(now)
    }

    private mutating func obey(_ command: LoopCommand, at now: ContinuousClock.Instant) {
        switch command {
        case .start(let id, let request, let mailbox, let feed): start(id, request, mailbox, feed, now)
        case .resume(let id):
            guard !direct.resume(id), let transfer = transfers[id] else { return }
            let code = transfer.easy.resume()
            if code != CURLE_OK { end(transfer, code) }
        case .cancel(let id):
            if direct.stop(id, .cancelled, CURLE_ABORTED_BY_CALLBACK) { return }
            guard let transfer = transfers[id] else { return }
            transfer.stop(.cancelled)
            end(transfer, CURLE_ABORTED_BY_CALLBACK)
        case .reload: direct.reloadedAt = .now
        case .close(let isNow):
            isClosing = true
            guard isNow else { return }
            direct.stopAll()
            for transfer in transfers.values {
                transfer.stop(.cancelled)
                end(transfer, CURLE_ABORTED_BY_CALLBACK)
            }
        }
    }

    private mutating func start(
        _ id: TransferID, _ request: UpstreamRequest, _ mailbox: AnswerMailbox, _ feed: BodyFeed?,
        _ now: ContinuousClock.Instant
    ) {
        let earliest = direct.earliest(within: settings.connectionAge, at: now)
        let phase = TransferPhase(
            timeout: request.timeout, total: settings.totalTimeout, mayResend: request.mayResend, at: now)
        if !isClosing, isDirect {
            let transfer = DirectTransfer(
                id: id, request, to: place, mailbox: mailbox, feed: feed, phase: phase, earliest: earliest)
            return direct.start(transfer)
        }
        guard !isClosing, let easy = idle.popLast() ?? EasyHandle(settings, addresses: addresses, book: book)
        else {
            return Self.refuse(mailbox, feed)
        }
        let transfer = Transfer(
            id: id, easy: easy, multi: pool.current, mailbox: mailbox, feed: feed, book: book, phase: phase,
            isHead: request.method.elementsEqual("HEAD".utf8), mayBeHTTP2: settings.version != .http1,
            isAlone: !sharesConnections)
        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        guard Self.fill(&transfer.lines, request),
            unsafe easy.prepare(
                request, origin: settings.origin, lines: transfer.lines, oldest: max(.zero, now - earliest),
                oldestAuthorities: direct.oldestAuthorities(at: now), context: context),
            pool.current.add(easy)
        else {
            transfer.lines.free()
            easy.free()
            return Self.refuse(mailbox, feed)
        }
        transfers[id] = transfer
    }

    private var isDirect: Bool {
        settings.lane == .direct && (settings.version == .http1 || (settings.version == .auto && speaksHTTP1))
    }

    /// The request's own lines, and lines that keep libcurl from adding some of its own accord.
    private static func fill(_ lines: inout HeaderList, _ request: UpstreamRequest) -> Bool {
        for index in 0..<request.fields.count {
            guard append(request.fields[index], request.fields.line(index), to: &lines) else { return false }
        }
        for (name, removal) in unwanted where request.fields.first(name) == nil {
            guard lines.append(removal) else { return false }
        }
        if case .stream(_, nil) = request.body { return lines.append(chunked) }
        return true
    }

    /// libcurl takes a line without a value for a wish to send none; a semicolon says that it is meant.
    private static func append(_ field: HeaderFields.Field, _ line: ArraySlice<UInt8>, to lines: inout HeaderList)
        -> Bool
    {
        guard field.value.isEmpty else { return lines.append(line) }
        return lines.append(field.name + [UInt8(ascii: ";")])
    }

    private static let unwanted: [(name: FieldName, removal: ArraySlice<UInt8>)] =
        [FieldName.expect, "Accept", .contentType].map { ($0, ($0.bytes + [UInt8(ascii: ":")])[...]) }
    private static let chunked = Array("Transfer-Encoding: chunked".utf8)[...]

    private static func refuse(_ mailbox: AnswerMailbox, _ feed: BodyFeed?) {
        mailbox.deliver(.init(head: .failure(TransportError(.closed, maybeSent: false))))
        feed?.abandon()
    }

    /// Whether the tenant speaks HTTP/2, as far as is known.
    private var sharesConnections: Bool { settings.version == .http2 || (settings.version == .auto && !speaksHTTP1) }

    private mutating func end(_ transfer: Transfer, _ code: CURLcode) {
        if transfer.needsFreshConnection, transfer.phase.stop == nil, transfer.startAfresh() { return }
        if code == CURLE_OK, settings.version == .auto { speaksHTTP1 = transfer.easy.spokeHTTP1 }
        transfer.multi.remove(transfer.easy)
        transfer.end(code)
        transfers[transfer.id] = nil
        if code != CURLE_OK, sharesConnections, transfer.phase.maybeSent { pool.streamReset() }
        if code == CURLE_OK, transfer.leavesHandleClean, idle.count < Self.mostIdle {
            idle.append(transfer.easy)
        } else {
            transfer.easy.free()
        }
    }

    /// Nothing of it is used afterwards.
    mutating func tearDown() {
        for easy in idle { easy.free() }
        idle = []
        direct.tearDown()
        addresses.free()
        for case .start(_, _, let mailbox, let feed) in inbox.close() { Self.refuse(mailbox, feed) }
        pool.free()
        direct.multi.free()
        readiness.free()
    }
}
