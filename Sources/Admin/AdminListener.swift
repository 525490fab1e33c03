// The admin port: a small HTTP server beside the data plane.

package import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Answers `/livez` and `/readyz`, and `POST /quit` where that is wanted.
package final class AdminListener: Sendable {
    private let channel: any Channel
    /// The bound port; 0 on a unix socket.
    package let port: Int

    /// - Parameters:
    ///   - readiness: asked for every `/readyz`; must not wait.
    ///   - quit: called for `POST /quit`; nil where that is not served.
    /// - Throws: NIO's error when the address cannot be bound.
    package static func open(
        host: String, port: Int, on loop: any EventLoop, quit: (@Sendable () -> Void)?,
        readiness: @escaping @Sendable () -> Readiness
    ) async throws -> AdminListener {
        let channel = try await ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(AdminHandler(readiness, quit))
                }
            }
            .bind(host: host, port: port).get()
        return AdminListener(channel: channel)
    }

    private init(channel: any Channel) { (self.channel, port) = (channel, channel.localAddress?.port ?? 0) }

    package func close() async { try? await channel.close() }
}

/// One admin connection.
private final class AdminHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let readiness: @Sendable () -> Readiness
    private let quit: (@Sendable () -> Void)?
    private var request: HTTPRequestHead?

    init(_ readiness: @escaping @Sendable () -> Readiness, _ quit: (@Sendable () -> Void)?) {
        (self.readiness, self.quit) = (readiness, quit)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): request = head
        case .body: break
        case .end:
            guard let request else { return }
            self.request = nil
            answer(request, context)
        }
    }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let (status, type, text) = response(request)
        var head = HTTPResponseHead(version: request.version, status: status)
        head.headers.add(name: "Content-Type", value: type)
        head.headers.add(name: "Content-Length", value: String(text.utf8.count))
        head.headers.add(name: "Cache-Control", value: "no-store")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if !request.isKeepAlive { context.close(promise: nil) }
    }

    private func response(_ request: HTTPRequestHead) -> (HTTPResponseStatus, String, String) {
        let path = request.uri.prefix { $0 != "?" }
        if path == "/quit", let quit {
            guard request.method == .POST else { return (.methodNotAllowed, "text/plain", "POST only\n") }
            quit()
            return (.ok, "text/plain", "shutting down\n")
        }
        guard request.method == .GET || request.method == .HEAD else {
            return (.methodNotAllowed, "text/plain", "GET only\n")
        }
        switch path {
        case "/livez": return (.ok, "text/plain", "ok\n")
        case "/readyz":
            let readiness = readiness()
            return (readiness.isReady ? .ok : .serviceUnavailable, "application/json", readiness.json)
        default: return (.notFound, "text/plain", "/livez or /readyz\n")
        }
    }
}
