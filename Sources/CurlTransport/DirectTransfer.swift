// One request on a connection of the direct lane.

internal import CCurl
internal import HTTP1
internal import Model

/// A transfer from its start to its end. Loop only.
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
    let feed: BodyFeed?
    /// Connections from before are not used.
    let earliest: ContinuousClock.Instant
    private var handover: AnswerHandover
    var phase: TransferPhase { handover.phase }
    private(set) var reader: AnswerReader
    /// On their way out; the same bytes stay in the same place until they have left.
    private(set) var out: [UInt8]
    var sent = 0
    private var upload: Upload
    private(set) var hasReceived = false

    init(
        id: TransferID, _ request: UpstreamRequest, to place: RequestWriter.Place, mailbox: AnswerMailbox,
        feed: BodyFeed?,
        phase: TransferPhase, earliest: ContinuousClock.Instant
    ) {
        (self.id, self.feed, self.earliest) = (id, feed, earliest)
        handover = AnswerHandover(mailbox: mailbox, phase: phase)
        out = RequestWriter.head(request, to: place)
        if case .stream(_, let length) = request.body, length != 0 {
            upload = .running(left: length)
        } else {
            upload = .done
        }
        reader = AnswerReader(isHead: request.method.elementsEqual("HEAD".utf8))
    }

    // MARK: out

    var hasUnsent: Bool { sent < out.count }
    var isSent: Bool { if case .done = upload { !hasUnsent } else { false } }

    func aboutToSend() -> Bool { handover.phase.aboutToSend() }

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
            (handover.hasProgress, handover.hasUploaded, sent) = (true, true, 0)
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
        (handover.hasProgress, hasReceived) = (true, true)
        do throws(HTTP1Fault) {
            while let part = try reader.next(bytes, &position, upTo: end) {
                switch part {
                case .head:
                    handover.headArrived(reader.status, reader.fields)
                case .body(let range): handover.delivery.piece += bytes[range]
                case .end: return true
                }
            }
            return nil
        } catch {
            handover.phase.stopped(.brokenAnswer)
            return false
        }
    }

    /// Whether as much waits for its taker as may.
    var mustPause: Bool { handover.mustPause }

    /// Hands over what has come.
    func flush(at now: ContinuousClock.Instant) { handover.flush(at: now) }

    func stop(_ reason: TransferPhase.Stop) { handover.phase.stopped(reason) }

    /// Tells whoever waits.
    func end(_ code: CURLcode) {
        handover.end(code, succeeded: code == CURLE_OK, trailers: reader.trailers)
        feed?.abandon()
    }
}
