// What of a transfer is handed over to whoever asked, the same on both lanes.

internal import CCurl
internal import Model

/// What has happened to one transfer, and what of its answer has come and is not yet handed over. Loop only.
struct AnswerHandover {
    let mailbox: AnswerMailbox
    var phase: TransferPhase
    var delivery = AnswerMailbox.Delivery()
    var hasProgress = false
    /// Of the request's own body.
    var hasUploaded = false
    /// So many bytes of the answer's body have been handed over.
    private var handedOver = 0

    init(mailbox: AnswerMailbox, phase: TransferPhase) { (self.mailbox, self.phase) = (mailbox, phase) }

    /// Whether as much waits for its taker as may. Of an answer that is shorter than that, nobody has to ask.
    var mustPause: Bool {
        handedOver + delivery.piece.count >= AnswerMailbox.highWater && mailbox.mustPause(with: delivery.piece.count)
    }

    mutating func headArrived(_ status: Int, _ fields: HeaderFields) {
        phase.headArrived()
        delivery.head = .success((status, fields))
    }

    /// Hands over what has come.
    mutating func flush(at now: ContinuousClock.Instant) {
        if hasProgress {
            phase.progressed(at: now, isUpload: hasUploaded)
            (hasProgress, hasUploaded) = (false, false)
        }
        guard !delivery.isEmpty else { return }
        deliver()
    }

    /// Tells whoever waits how it ended.
    /// - Parameter succeeded: whether libcurl's `code` says so and nothing speaks against it.
    mutating func end(_ code: CURLcode, succeeded: Bool, trailers: HeaderFields) {
        let reason = CurlError.reason(code, maybeSent: phase.maybeSent)
        switch phase.ended(succeeded: succeeded, reason: reason, code: Int32(bitPattern: code.rawValue)) {
        case .complete: (delivery.end, delivery.trailers) = (.complete, trailers)
        case .cut(let fault): delivery.end = .fault(fault)
        case .failed(let error): delivery.head = .failure(error)
        }
        deliver()
    }

    private mutating func deliver() {
        handedOver += delivery.piece.count
        mailbox.deliver(delivery)
        delivery = AnswerMailbox.Delivery()
    }
}

extension TransferPhase.Stop {
    /// A caller that does not go on with its body is not the tenant's fault.
    static func overdue(_ feed: BodyFeed?) -> Self { feed?.isStarved == true ? .requestBody : .timedOut }
}
