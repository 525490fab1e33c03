// A streamed request body on its way from its source to the loop.

internal import Model
internal import NIOConcurrencyHelpers

/// Holds one piece at a time: the source is asked for the next one when libcurl has taken the last.
final class BodyFeed: Sendable {
    enum Read: Equatable {
        /// So many bytes were copied.
        case copied(Int)
        /// Nothing there yet; libcurl has to pause until `onReady` is called.
        case starved
        case end
        case failed
    }

    private struct State {
        var piece: ArraySlice<UInt8> = []
        var isStarved = false
        var end: BodyEnd?
        var trailers = HeaderFields()
        var producer: CheckedContinuation<Void, Never>?
    }

    private let state = NIOLockedValueBox(State())

    /// Loop, inside libcurl's read callback: copies what is there.
    @safe func read(into buffer: UnsafeMutableRawBufferPointer) -> Read {
        let (read, producer): (Read, CheckedContinuation<Void, Never>?) = state.withLockedValue { state in
            guard !state.piece.isEmpty else {
                switch state.end {
                case nil:
                    state.isStarved = true
                    return (.starved, nil)
                case .complete: return (.end, nil)
                case .fault: return (.failed, nil)
                }
            }
            let count = min(buffer.count, state.piece.count)
            unsafe buffer.copyBytes(from: state.piece.prefix(count))
            state.piece = state.piece.dropFirst(count)
            guard state.piece.isEmpty else { return (.copied(count), nil) }
            defer { state.producer = nil }
            return (.copied(count), state.producer)
        }
        producer?.resume()
        return read
    }

    /// Loop, after the end.
    var trailers: HeaderFields { state.withLockedValue(\.trailers) }

    /// Whether libcurl waits for the source just now.
    var isStarved: Bool { state.withLockedValue(\.isStarved) }

    /// Pulls the source to its end. Runs as a task of its own.
    /// - Parameter onReady: called when libcurl was starved and may go on.
    func pump(_ source: any BodyStream, onReady: @Sendable () -> Void) async {
        do {
            while let piece = try await source.next() {
                if put(piece) { onReady() }
                guard await isTaken() else { return source.cancel() }
            }
            if finish(.complete, source.trailers) { onReady() }
        } catch {
            if finish(.fault(error)) { onReady() }
        }
    }

    private func put(_ piece: [UInt8]) -> Bool {
        state.withLockedValue { state in
            state.piece = piece[...]
            defer { state.isStarved = false }
            return state.isStarved
        }
    }

    /// Returns when the last piece is taken (true) or nobody will take any more (false).
    private func isTaken() async -> Bool {
        await withCheckedContinuation { continuation in
            let ready = state.withLockedValue { state in
                if state.piece.isEmpty || state.end != nil { return true }
                state.producer = continuation
                return false
            }
            if ready { continuation.resume() }
        }
        return state.withLockedValue { $0.end == nil }
    }

    private func finish(_ end: BodyEnd, _ trailers: HeaderFields = HeaderFields()) -> Bool {
        state.withLockedValue { state in
            if state.end == nil { (state.end, state.trailers) = (end, trailers) }
            defer { state.isStarved = false }
            return state.isStarved
        }
    }

    /// The transfer is over: nothing more will be read.
    func abandon() {
        let producer = state.withLockedValue { state in
            state.end = .fault(.cancelled)
            state.piece = []
            defer { state.producer = nil }
            return state.producer
        }
        producer?.resume()
    }
}
