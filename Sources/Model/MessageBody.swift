// A message body as a stream that is pulled.

/// The bytes of a request or an answer, in pieces, pulled by whoever needs them: the puller sets the pace.
package protocol BodyStream: Sendable {
    /// The next piece, never empty; nil at the proper end. One puller at a time.
    /// - Throws: `BodyFault` when the rest will never come. What was pulled before is not a complete body.
    func next() async throws(BodyFault) -> [UInt8]?
    /// What `next` would return, or throw, if it is there already; nil when it would have to wait. Nil unless the stream knows better.
    func nextIfReady() -> Result<[UInt8]?, BodyFault>?
    /// Nobody will pull again; the source may stop sending. May be called at any time and more than once.
    func cancel()
    /// The fields behind the body, as they came; complete once `next` has returned nil. Empty unless the sender has some.
    var trailers: HeaderFields { get }
}

extension BodyStream {
    package func nextIfReady() -> Result<[UInt8]?, BodyFault>? { nil }
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
    /// A cancelled task waits for no more.
    /// - Throws: `.tooLarge` as soon as there is more (the stream is cancelled then), else what the stream throws.
    package func collect(upTo limit: Int) async throws(BodyFault) -> [UInt8] {
        var whole: [UInt8] = []
        // Most bodies are there: nothing is waited for, and nothing has to be cancelled.
        while let ready = nextIfReady() {
            guard let piece = try ready.get() else { return whole }
            try add(piece, to: &whole, limit)
        }
        let begun = whole
        let result: Result<[UInt8], BodyFault> = await withTaskCancellationHandler {
            do throws(BodyFault) { return .success(try await pull(behind: begun, upTo: limit)) } catch {
                return .failure(error)
            }
        } onCancel: {
            cancel()
        }
        return try result.get()
    }

    private func pull(behind begun: [UInt8], upTo limit: Int) async throws(BodyFault) -> [UInt8] {
        var whole = begun
        while let piece = try await next() { try add(piece, to: &whole, limit) }
        return whole
    }

    private func add(_ piece: [UInt8], to whole: inout [UInt8], _ limit: Int) throws(BodyFault) {
        if whole.isEmpty { whole = piece } else { whole += piece }
        guard whole.count > limit else { return }
        cancel()
        throw .tooLarge
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
