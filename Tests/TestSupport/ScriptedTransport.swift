// The upstream port, played by a test.

package import Model
internal import NIOConcurrencyHelpers

/// A body whose pieces are known.
package final class FixedBody: BodyStream {
    private let pieces: NIOLockedValueBox<[[UInt8]]>
    private let fault: BodyFault?
    package let trailers: HeaderFields

    /// - Parameter fault: how it ends after the pieces; nil for a proper end.
    package init(_ pieces: [[UInt8]], fault: BodyFault? = nil, trailers: HeaderFields = HeaderFields()) {
        self.trailers = trailers
        self.pieces = NIOLockedValueBox(pieces.filter { !$0.isEmpty })
        self.fault = fault
    }

    package func next() async throws(BodyFault) -> [UInt8]? {
        let piece: [UInt8]? = pieces.withLockedValue { $0.isEmpty ? nil : $0.removeFirst() }
        if piece == nil, let fault { throw fault }
        return piece
    }

    package func cancel() {}
}

/// A request as the transport was given it, its body read whole.
package struct SentRequest: Sendable {
    package let method: String
    package let target: String
    package let fields: HeaderFields
    package let body: [UInt8]
    package let trailers: HeaderFields

    package func value(_ name: FieldName) -> String? { fields.first(name).map { text($0) } }
}

/// Answers requests with what the test says and keeps them.
package final class ScriptedTransport: UpstreamTransport {
    package typealias Script = @Sendable (SentRequest, Int) async throws(TransportError) -> UpstreamResponse

    private let sent = NIOLockedValueBox<[SentRequest]>([])
    private let script: Script

    /// - Parameter script: gets the request and its number, counted from 1.
    package init(_ script: @escaping Script) { self.script = script }

    package var requests: [SentRequest] { sent.withLockedValue { $0 } }

    package func send(_ request: UpstreamRequest) async throws(TransportError) -> UpstreamResponse {
        let body: [UInt8]
        var trailers = HeaderFields()
        switch request.body {
        case .none: body = []
        case .bytes(let bytes): body = bytes
        case .stream(let stream, _):
            do { body = try await stream.collect(upTo: 1 << 24) } catch {
                throw TransportError(.requestBody, maybeSent: true)
            }
            trailers = stream.trailers
        }
        let whole = SentRequest(
            method: text(request.method), target: text(request.target), fields: request.fields, body: body,
            trailers: trailers)
        let number = sent.withLockedValue { sent in
            sent.append(whole)
            return sent.count
        }
        return try await script(whole, number)
    }
}

extension UpstreamResponse {
    /// An answer with a JSON body.
    package static func json(_ body: String, status: Int = 200, fields: KeyValuePairs<String, String> = [:])
        -> UpstreamResponse
    {
        var all = HeaderFields(fields)
        all.append(.contentType, "application/json")
        all.append(.contentLength, String(body.utf8.count))
        return UpstreamResponse(status: status, fields: all, body: FixedBody([bytes(body)]))
    }
}
