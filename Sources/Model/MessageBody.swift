// A message body as a stream that is pulled.

/// The bytes of a request or an answer, in pieces, pulled by whoever needs them: the puller sets the pace.
package protocol BodyStream: Sendable {
    /// The next piece, never empty; nil at the proper end. One puller at a time.
    /// - Throws: `BodyFault` when the rest will never come. What was pulled before is not a complete body.
    func next() async throws(BodyFault) -> [UInt8]?
    /// Nobody will pull again; the source may stop sending. May be called at any time and more than once.
    func cancel()
    /// The fields behind the body, as they came; complete once `next` has returned nil. Empty unless the sender has some.
    var trailers: HeaderFields { get }
}

extension BodyStream {
    package var trailers: HeaderFields { HeaderFields() }
}

/// Why a body ended before its end.
package enum BodyFault: Error, Equatable, Sendable {
    /// The sender went away or broke the framing.
    case broken
    /// No progress for too long.
    case timedOut
    /// More than the limit.
    case tooLarge
    /// We stopped it ourselves.
    case cancelled
}

extension BodyStream {
    /// The whole body, at most `limit` bytes.
    /// A cancelled task pulls no more.
    /// - Throws: `.tooLarge` as soon as there is more (the stream is cancelled then), else what the stream throws.
    package func collect(upTo limit: Int) async throws(BodyFault) -> [UInt8] {
        let whole: Result<[UInt8], BodyFault> = await withTaskCancellationHandler {
            do throws(BodyFault) { return .success(try await pull(upTo: limit)) } catch { return .failure(error) }
        } onCancel: {
            cancel()
        }
        return try whole.get()
    }

    private func pull(upTo limit: Int) async throws(BodyFault) -> [UInt8] {
        guard var whole = try await next() else { return [] }
        while whole.count <= limit, let piece = try await next() { whole += piece }
        guard whole.count <= limit else {
            cancel()
            throw .tooLarge
        }
        return whole
    }
}

/// The body of a request that goes to the tenant.
package enum MessageBody: Sendable {
    /// No body and no framing field.
    case none
    /// The whole body; it can be sent again.
    case bytes([UInt8])
    /// A body that can be sent once; `length` in bytes when it is known, else it is sent chunked.
    case stream(any BodyStream, length: Int?)
}
