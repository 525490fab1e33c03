// Head and body of one answer on their way from the loop to whoever asked.

internal import Model
internal import NIOConcurrencyHelpers

/// How a body ended.
enum BodyEnd: Sendable, Equatable {
    case complete
    case fault(BodyFault)
}

/// The meeting place of one transfer: the loop delivers, one task takes. What has been delivered and not yet taken is
/// bounded: above `highWater` the loop pauses the transfer.
final class AnswerMailbox: Sendable {
    /// Bytes that may wait here before the tenant is made to wait.
    static let highWater = 256 * 1024

    typealias HeadResult = Result<(status: Int, fields: HeaderFields), TransportError>
    private typealias BodyResult = Result<[UInt8]?, BodyFault>

    fileprivate struct State {
        var head: HeadResult?
        var headWaiter: CheckedContinuation<HeadResult, Never>?
        var pieces: [[UInt8]] = []
        var waiting = 0
        var end: BodyEnd?
        var trailers = HeaderFields()
        var bodyWaiter: CheckedContinuation<Result<[UInt8]?, BodyFault>, Never>?
        var isPaused = false
    }

    /// What the loop has to hand over after a pass.
    struct Delivery: Sendable {
        var head: HeadResult?
        var piece: [UInt8] = []
        var end: BodyEnd?
        /// With the end.
        var trailers = HeaderFields()
        var isEmpty: Bool {
            if head != nil || !piece.isEmpty { return false }
            return end == nil
        }
    }

    private let state = NIOLockedValueBox(State())

    /// Loop. Hands over what a pass brought, in the order head, piece, end.
    func deliver(_ delivery: Delivery) {
        typealias Waiters = (
            CheckedContinuation<HeadResult, Never>?, CheckedContinuation<BodyResult, Never>?, BodyResult
        )
        let (headWaiter, bodyWaiter, body): Waiters = state.withLockedValue { state in
            var headWaiter: CheckedContinuation<HeadResult, Never>?
            if let head = delivery.head, state.head == nil {
                state.head = head
                (headWaiter, state.headWaiter) = (state.headWaiter, nil)
            }
            if !delivery.piece.isEmpty {
                state.pieces.append(delivery.piece)
                state.waiting += delivery.piece.count
            }
            if let end = delivery.end, state.end == nil { (state.end, state.trailers) = (end, delivery.trailers) }
            guard state.bodyWaiter != nil, let body = state.take() else {
                return (headWaiter, nil, .success(nil))
            }
            defer { state.bodyWaiter = nil }
            return (headWaiter, state.bodyWaiter, body)
        }
        if let headWaiter, let head = delivery.head { headWaiter.resume(returning: head) }
        bodyWaiter?.resume(returning: body)
    }

    /// Loop. Whether the transfer has to pause with `more` bytes undelivered; if so, the taker will ask for it to go on.
    func mustPause(with more: Int) -> Bool {
        state.withLockedValue { state in
            guard state.waiting + more >= Self.highWater else { return false }
            state.isPaused = true
            return true
        }
    }

    /// Whether the end has been delivered.
    var isOver: Bool {
        state.withLockedValue { state in
            if case .failure = state.head { return true }
            return state.end != nil
        }
    }

    var trailers: HeaderFields { state.withLockedValue(\.trailers) }

    /// Resumes the waiter once, now or when it is delivered, with the head or why there is none. Call it once.
    func head(_ waiter: CheckedContinuation<HeadResult, Never>) {
        let ready: HeadResult? = state.withLockedValue { state in
            if let head = state.head { return head }
            state.headWaiter = waiter
            return nil
        }
        if let ready { waiter.resume(returning: ready) }
    }

    /// The next piece of the body, its end or its fault, if it is there.
    /// - Parameter resume: called when the transfer was paused and may go on.
    func nextIfReady(resume: () -> Void) -> Result<[UInt8]?, BodyFault>? {
        let (ready, mustResume): (BodyResult?, Bool) = state.withLockedValue { state in
            let ready = state.take()
            let mustResume = state.isPaused && state.waiting < Self.highWater / 2
            if mustResume { state.isPaused = false }
            return (ready, mustResume)
        }
        if mustResume { resume() }
        return ready
    }

    /// The next piece of the body, after `nextIfReady` had none.
    func next() async throws(BodyFault) -> [UInt8]? {
        let result: BodyResult = await withCheckedContinuation { continuation in
            let late: BodyResult? = state.withLockedValue { state in
                if let late = state.take() { return late }
                state.bodyWaiter = continuation
                return nil
            }
            if let late { continuation.resume(returning: late) }
        }
        return try result.get()
    }
}

extension AnswerMailbox.State {
    /// What a taker gets now; nil when it has to wait.
    fileprivate mutating func take() -> Result<[UInt8]?, BodyFault>? {
        if !pieces.isEmpty {
            let piece = pieces.removeFirst()
            waiting -= piece.count
            return .success(piece)
        }
        switch end {
        case nil: return nil
        case .complete: return .success(nil)
        case .fault(let fault): return .failure(fault)
        }
    }
}
