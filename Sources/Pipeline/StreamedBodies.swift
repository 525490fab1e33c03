// Bodies without a known length: up to a limit, and with what may follow them.

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

    var trailers: HeaderFields { body.trailers }
}

/// A body whose trailers a rule has looked at.
final class FilteredTrailers: BodyStream {
    private let body: any BodyStream
    private let rule: @Sendable (HeaderFields) -> HeaderFields

    init(of body: any BodyStream, by rule: @escaping @Sendable (HeaderFields) -> HeaderFields) {
        (self.body, self.rule) = (body, rule)
    }

    func next() async throws(BodyFault) -> [UInt8]? { try await body.next() }
    func cancel() { body.cancel() }
    var trailers: HeaderFields { rule(body.trailers) }
}
