// A request body on its way from the connection to whoever pulls it.

internal import Model
internal import NIOConcurrencyHelpers
internal import NIOCore

/// The connection puts pieces in, one task pulls them out. While more than `highWater` bytes wait, the connection does not read.
final class BodyBridge: BodyStream {
    static let highWater = 64 * 1024

    private typealias Result = Swift.Result<[UInt8]?, BodyFault>

    fileprivate struct State {
        var pieces: [[UInt8]] = []
        var waiting = 0
        var isComplete = false
        var trailers = HeaderFields()
        var fault: BodyFault?
        var taker: CheckedContinuation<Swift.Result<[UInt8]?, BodyFault>, Never>?
        var wasAsked = false
    }

    private let state = NIOLockedValueBox(State())
    private let connection: NIOLoopBound<ConnectionHandler>
    private let expectsContinue: Bool

    /// - Parameters:
    ///   - connection: asked for `100 Continue` when the body is wanted, and to read on when there is room again after `isFull`.
    ///   - expectsContinue: whether the caller waits for that.
    init(of connection: NIOLoopBound<ConnectionHandler>, expectsContinue: Bool) {
        (self.connection, self.expectsContinue) = (connection, expectsContinue)
    }

    var isFull: Bool { state.withLockedValue { $0.waiting >= Self.highWater } }
    var trailers: HeaderFields { state.withLockedValue(\.trailers) }

    func put(_ piece: [UInt8]) {
        deliver { state in
            state.pieces.append(piece)
            state.waiting += piece.count
        }
    }

    func complete(_ trailers: HeaderFields = HeaderFields()) {
        deliver { state in (state.isComplete, state.trailers) = (true, trailers) }
    }
    func fail(_ fault: BodyFault) { deliver { $0.fault = $0.fault ?? fault } }
    func cancel() { fail(.cancelled) }

    private func deliver(_ change: (inout State) -> Void) {
        let (taker, result) = state.withLockedValue { state -> (CheckedContinuation<Result, Never>?, Result) in
            change(&state)
            guard let taker = state.taker, let result = state.take() else { return (nil, .success(nil)) }
            state.taker = nil
            return (taker, result)
        }
        taker?.resume(returning: result)
    }

    func nextIfReady() -> Swift.Result<[UInt8]?, BodyFault>? { take(orWait: nil) }

    /// - Parameter taker: who is told when there is nothing yet.
    private func take(orWait taker: CheckedContinuation<Result, Never>?) -> Result? {
        let (isFirst, ready, drained) = state.withLockedValue { state in
            defer { state.wasAsked = true }
            let before = state.waiting
            let ready = state.take()
            if ready == nil { state.taker = taker }
            return (
                !state.wasAsked && !state.isComplete, ready, before >= Self.highWater && state.waiting < Self.highWater
            )
        }
        if isFirst, expectsContinue { connection.eventLoop.execute { [connection] in connection.value.sendContinue() } }
        if drained { connection.eventLoop.execute { [connection] in connection.value.readOn() } }
        return ready
    }

    func next() async throws(BodyFault) -> [UInt8]? {
        if let ready = nextIfReady() { return try ready.get() }
        let result: Result = await withCheckedContinuation { continuation in
            if let late = take(orWait: continuation) { continuation.resume(returning: late) }
        }
        return try result.get()
    }
}

extension BodyBridge.State {
    fileprivate mutating func take() -> Result<[UInt8]?, BodyFault>? {
        if let fault { return .failure(fault) }
        if !pieces.isEmpty {
            let piece = pieces.removeFirst()
            waiting -= piece.count
            return .success(piece)
        }
        return isComplete ? .success(nil) : nil
    }
}
