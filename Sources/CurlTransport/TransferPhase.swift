// What has happened to one transfer, as a value.

internal import Model

/// From its start to its end. Times are of the monotonic clock and passed in.
struct TransferPhase: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How a transfer is stopped from our side.
    enum Stop: Sendable, Equatable {
        case brokenAnswer
        case timedOut
        case cancelled
        case requestBody
    }

    /// What the end means to whoever waits.
    enum Ending: Sendable, Equatable {
        /// The answer is complete.
        case complete
        /// No head came.
        case failed(TransportError)
        /// The head was passed on; the body will not be completed.
        case cut(BodyFault)
    }

    private(set) var maybeSent = false
    private var mayResend: Bool
    private(set) var hasHead = false
    private(set) var stop: Stop?
    private var deadline: Instant
    private let timeout: Duration
    /// The end of everything, body included; nil for none.
    private let end: Instant?

    /// - Parameter mayResend: the request is safe: it may go out once more when a kept-alive connection died under it.
    /// - Parameter total: for everything, body included; nil for no limit.
    init(timeout: Duration, total: Duration? = nil, mayResend: Bool = false, at now: Instant) {
        (self.timeout, self.mayResend) = (timeout, mayResend)
        end = total.map { now + $0 }
        deadline = now + timeout
    }

    /// libcurl has a connection and is about to send. Returns whether it may: it would send again when a kept-alive connection ended
    /// before a byte of the answer, for whatever method. A safe request may go out a second time, never a third; no other does.
    mutating func aboutToSend() -> Bool {
        guard maybeSent else {
            maybeSent = true
            return true
        }
        defer { mayResend = false }
        return mayResend
    }

    /// Whether `aboutToSend` would allow it.
    var mayGoAgain: Bool { !maybeSent || mayResend }

    mutating func headArrived() { hasHead = true }

    /// Bytes moved. Before the head only those of the request's own body extend its time; afterwards those of either direction do.
    mutating func progressed(at now: Instant, isUpload: Bool) {
        if hasHead || isUpload { deadline = now + timeout }
    }

    /// Whether the time is up.
    func isOverdue(at now: Instant) -> Bool { now >= min(deadline, end ?? deadline) }

    /// We end it for this reason; the first one counts.
    mutating func stopped(_ reason: Stop) { if stop == nil { stop = reason } }

    /// libcurl is done with it.
    /// - Parameters:
    ///   - succeeded: libcurl's own view.
    ///   - reason: of a failure, from `CurlError`.
    func ended(succeeded: Bool, reason: TransportError.Reason, code: Int32) -> Ending {
        if hasHead {
            switch stop {
            case nil: return succeeded ? .complete : .cut(reason == .timeout ? .timedOut : .broken)
            case .timedOut: return .cut(.timedOut)
            case .cancelled: return .cut(.cancelled)
            case .brokenAnswer, .requestBody: return .cut(.broken)
            }
        }
        let own: TransportError.Reason? =
            switch stop {
            case nil: nil
            case .brokenAnswer: .broken
            case .timedOut: maybeSent ? .timeout : .connectTimeout
            case .cancelled: .cancelled
            case .requestBody: .requestBody
            }
        return .failed(TransportError(own ?? (succeeded ? .broken : reason), maybeSent: maybeSent, code: code))
    }
}
