// A body without a known length, up to a limit.

internal import Model
internal import Synchronization

/// Ends with `.tooLarge` once more than the limit has come (`SIDECAR_MAX_STREAM_BODY`).
final class CappedBody: BodyStream {
    private let body: any BodyStream
    private let limit: Int
    private let pulled = Atomic(0)

    init(_ body: any BodyStream, limit: Int) { (self.body, self.limit) = (body, limit) }

    /// Whether it was more.
    var isOverLimit: Bool { pulled.load(ordering: .relaxed) > limit }

    func next() async throws(BodyFault) -> [UInt8]? {
        guard let piece = try await body.next() else { return nil }
        guard pulled.add(piece.count, ordering: .relaxed).newValue <= limit else {
            body.cancel()
            throw .tooLarge
        }
        return piece
    }

    func cancel() { body.cancel() }
}
