// One request on a connection of the direct lane.

internal import CCurl
internal import HTTP1
internal import Model

/// A transfer from its start to its end. Loop thread only.
final class DirectTransfer {
    private enum Upload {
        /// Everything is in `out`.
        case done
        /// So many bytes are still to come; nil for a chunked body.
        case running(left: Int?)
    }

    /// What there is to send next.
    enum Outgoing { case bytes, starved, nothing, failed }

    let id: TransferID
    let mailbox: AnswerMailbox
    let feed: BodyFeed?
    /// Connections from before are not used.
    let earliest: ContinuousClock.Instant
    private(set) var phase: TransferPhase
    private(set) var reader: AnswerReader
    /// On their way out; the same bytes stay in the same place until they have left.
    private(set) var out: [UInt8]
    var sent = 0
    private let head: [UInt8]
    private let length: Int?
    private var upload: Upload
    private var delivery = AnswerMailbox.Delivery()
    private var (hasProgress, hasUploaded) = (false, false)
    private(set) var hasReceived = false

    init(
        id: TransferID, _ request: UpstreamRequest, origin: TenantOrigin, mailbox: AnswerMailbox, feed: BodyFeed?,
        phase: TransferPhase, earliest: ContinuousClock.Instant
    ) {
        (self.id, self.mailbox, self.feed, self.phase, self.earliest) = (id, mailbox, feed, phase, earliest)
        head = RequestWriter.head(request, authority: origin.authority)
        out = head
        if case .stream(_, let length) = request.body { self.length = length } else { length = nil }
        upload = feed == nil || length == 0 ? .done : .running(left: length)
        reader = AnswerReader(isHead: request.method.elementsEqual("HEAD".utf8))
    }

    // MARK: out

    var hasUnsent: Bool { sent < out.count }
    var isSent: Bool { if case .done = upload { !hasUnsent } else { false } }

    func aboutToSend() -> Bool { phase.aboutToSend() }

    /// Whether it may go out once more on another connection: nothing has come back, and it is safe.
    var mayGoAgain: Bool { !hasReceived && feed == nil && phase.mayGoAgain }

    func rewind() { sent = 0 }

    /// Refills `out` once it has left.
    func nextOutgoing(_ scratch: inout [UInt8]) -> Outgoing {
        if hasUnsent { return .bytes }
        guard case .running(let left) = upload, let feed else { return .nothing }
        let read = unsafe scratch.withUnsafeMutableBytes {
            unsafe feed.read(into: UnsafeMutableRawBufferPointer(rebasing: $0.prefix(16_384)))
        }
        switch read {
        case .copied(let count):
            (hasProgress, hasUploaded, sent) = (true, true, 0)
            guard let left else {
                out = RequestWriter.chunk(scratch[..<count])
                return .bytes
            }
            // More than was announced would be the next request's.
            guard count <= left else { return .failed }
            upload = count == left ? .done : .running(left: left - count)
            out = Array(scratch[..<count])
            return .bytes
        case .starved: return .starved
        case .end:
            // Less than was announced.
            guard left == nil else { return .failed }
            upload = .done
            (out, sent) = (RequestWriter.lastChunk(feed.trailers), 0)
            return .bytes
        case .failed: return .failed
        }
    }

    // MARK: in

    /// Reads what has come. Nil when the answer goes on, true when it is complete, false when it is broken.
    func read(_ bytes: [UInt8], _ position: inout Int, upTo end: Int) -> Bool? {
        (hasProgress, hasReceived) = (true, true)
        do throws(HTTP1Fault) {
            while let part = try reader.next(bytes, &position, upTo: end) {
                switch part {
                case .head:
                    phase.headArrived()
                    delivery.head = .success((reader.status, reader.fields))
                case .body(let range): delivery.piece += bytes[range]
                case .end: return true
                }
            }
            return nil
        } catch {
            phase.stopped(.brokenAnswer)
            return false
        }
    }

    func moved(by count: Int) { reader.moved(by: count) }

    /// Whether as much waits for its taker as may.
    var mustPause: Bool { mailbox.mustPause(with: delivery.piece.count) }

    /// Hands over what has come.
    func flush(at now: ContinuousClock.Instant) {
        if hasProgress {
            phase.progressed(at: now, isUpload: hasUploaded)
            (hasProgress, hasUploaded) = (false, false)
        }
        guard !delivery.isEmpty else { return }
        mailbox.deliver(delivery)
        delivery = AnswerMailbox.Delivery()
    }

    func stop(_ reason: TransferPhase.Stop) { phase.stopped(reason) }

    /// Tells whoever waits.
    func end(_ code: CURLcode) {
        let reason = CurlError.reason(code, maybeSent: phase.maybeSent)
        switch phase.ended(succeeded: code == CURLE_OK, reason: reason, code: Int32(bitPattern: code.rawValue)) {
        case .complete: (delivery.end, delivery.trailers) = (.complete, reader.trailers)
        case .cut(let fault): delivery.end = .fault(fault)
        case .failed(let error): delivery.head = .failure(error)
        }
        mailbox.deliver(delivery)
        delivery = AnswerMailbox.Delivery()
        feed?.abandon()
    }
}
