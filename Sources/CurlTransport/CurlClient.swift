// The upstream port over libcurl.

internal import CCurl
package import Model
package import NIOCore
internal import Synchronization

/// Sends requests to the one tenant over kept-alive TLS connections. Works while `run` runs.
package final class CurlClient: UpstreamTransport {
    private let host: LoopHost
    private let book = ConnectionBook()
    private let lastID = Atomic<UInt64>(0)

    /// libcurl with what it was built with, such as `libcurl/7.88.1 OpenSSL/3.0.17 …`.
    package static var libraryVersion: String { unsafe String(cString: curl_version()) }

    /// - Parameter eventLoop: where requests go out and answers come in; best the one that asks.
    /// - Returns: nil when libcurl cannot be set up or refuses a setting.
    package init?(_ settings: CurlSettings, on eventLoop: any EventLoop, waiter: ReadinessWaiter = .system) {
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK,
            let trial = EasyHandle(settings, addresses: HeaderList(), book: book)
        else { return nil }
        trial.free()
        guard let readiness = Readiness() else { return nil }
        guard let general = MultiHandle(keptConnections: settings.keptConnections, readiness) else {
            readiness.free()
            return nil
        }
        guard let direct = MultiHandle(keptConnections: settings.keptConnections, readiness) else {
            general.free()
            readiness.free()
            return nil
        }
        let inbox = LoopInbox()
        let loop = TransferLoop(settings, inbox, (general, direct), readiness, book)
        host = LoopHost(loop, inbox, readiness, waiter, on: eventLoop)
    }

    /// Works until `close`. Call it once.
    /// - Returns: false when the system has no descriptor left.
    package func run() async -> Bool { await host.run() }

    /// Takes no new requests. Running ones end by themselves, or at once; then `run` returns.
    package func close(now: Bool) { put(.close(now: now)) }

    /// From now on certificate files are read anew and new requests go out on new connections; those on their way are not touched.
    package func reload() { put(.reload) }

    /// Connections that a request or an answer is on, and those that wait for one.
    package var connections: (busy: Int, idle: Int) {
        let busy = book.busy
        return (busy, max(0, book.open - busy))
    }

    package func send(_ request: UpstreamRequest) async throws(TransportError) -> UpstreamResponse {
        guard !Task.isCancelled else { throw TransportError(.cancelled, maybeSent: false) }
        let id = TransferID(lastID.add(1, ordering: .relaxed).newValue)
        let mailbox = AnswerMailbox()
        var feed: BodyFeed?
        if case .stream(let source, _) = request.body {
            let started = BodyFeed()
            feed = started
            Task { [self] in await started.pump(source) { put(.resume(id)) } }
        }
        guard put(.start(id, request, mailbox, feed)) else {
            feed?.abandon()
            throw TransportError(.closed, maybeSent: false)
        }
        let head = await withTaskCancellationHandler {
            await withCheckedContinuation { mailbox.head($0) }
        } onCancel: {
            put(.cancel(id))
        }
        let (status, fields) = try head.get()
        return UpstreamResponse(
            status: status, fields: fields, body: AnswerBody(id: id, mailbox: mailbox, client: self))
    }

    /// Any thread. False when the loop has ended.
    @discardableResult
    fileprivate func put(_ command: LoopCommand) -> Bool { host.put(command) }
}

/// An answer's body as it comes from the loop.
private final class AnswerBody: BodyStream {
    private let id: TransferID
    private let mailbox: AnswerMailbox
    private let client: CurlClient

    init(id: TransferID, mailbox: AnswerMailbox, client: CurlClient) {
        (self.id, self.mailbox, self.client) = (id, mailbox, client)
    }

    func nextIfReady() -> Result<[UInt8]?, BodyFault>? { mailbox.nextIfReady { client.put(.resume(id)) } }

    func next() async throws(BodyFault) -> [UInt8]? {
        if let ready = nextIfReady() { return try ready.get() }
        return try await mailbox.next()
    }

    func cancel() { client.put(.cancel(id)) }

    var trailers: HeaderFields { mailbox.trailers }

    /// Nobody can pull any more: an answer that was not read to its end is stopped.
    deinit { if !mailbox.isOver { client.put(.cancel(id)) } }
}
