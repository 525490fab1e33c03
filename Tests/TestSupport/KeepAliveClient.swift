// An HTTP/1.1 client on one kept-alive connection, quick enough for load.

internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// One request after another to a port of this machine.
package struct KeepAliveClient {
    package struct Answer: Sendable {
        package let status: Int
        package let source: String?
        /// Whether it is the last one of its connection.
        package let closes: Bool
        package let body: [UInt8]
    }

    package struct ConnectionLost: Error {}

    private let port: Int
    private var parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>

    /// Runs `body` with a connection.
    package static func with<Result: Sendable>(port: Int, _ body: (inout KeepAliveClient) async throws -> Result)
        async throws -> Result
    {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var client = KeepAliveClient(port: port, parts: inbound.makeAsyncIterator(), outbound: outbound)
            return try await body(&client)
        }
    }

    /// - Throws: `ConnectionLost` when no complete answer came.
    package mutating func send(
        _ method: String, _ path: String, user: String? = nil, fields: [(String, String)] = [],
        body: [UInt8] = []
    ) async throws -> Answer {
        var head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path)
        head.headers.add(name: "Host", value: "127.0.0.1:\(port)")
        if let user { head.headers.add(name: "X-Sidecar-User", value: user) }
        for (name, value) in fields { head.headers.add(name: name, value: value) }
        if !body.isEmpty { head.headers.add(name: "Content-Length", value: String(body.count)) }
        let parts: [HTTPClientRequestPart] = [.head(head), .body(.byteBuffer(ByteBuffer(bytes: body))), .end(nil)]
        try await outbound.write(contentsOf: parts)
        var status = 0
        var source: String?
        var closes = false
        var received: [UInt8] = []
        while let part = try await self.parts.next(isolation: #isolation) {
            switch part {
            case .head(let head):
                (status, source) = (Int(head.status.code), head.headers.first(name: "X-Sidecar-Source"))
                closes = !head.isKeepAlive
            case .body(let piece): received += piece.readableBytesView
            case .end: return Answer(status: status, source: source, closes: closes, body: received)
            }
        }
        throw ConnectionLost()
    }
}
