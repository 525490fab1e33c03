// The admin port: a small HTTP server beside the data plane.

internal import Guard
internal import Model
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Serves the pages.
package final class AdminListener: Sendable {
    private let channel: any Channel
    /// The bound port; 0 on a unix socket.
    package let port: Int

    /// - Throws: NIO's error when the address cannot be bound.
    package static func open(
        host: String, port: Int, on loop: any EventLoop, pages: AdminPages
    ) async throws -> AdminListener {
        let isLocal = HostPolicy(names: []).permits(Array(host.utf8)[...]) || host.utf8.elementsEqual("::1".utf8)
        let channel = try await ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(AdminHandler(pages, isLocal: isLocal))
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

    private let pages: AdminPages
    private let hosts: HostPolicy?
    private var request: HTTPRequestHead?

    /// - Parameter isLocal: the port is on loopback, so that whoever calls it by another name was led here (DNS rebinding).
    init(_ pages: AdminPages, isLocal: Bool) { (self.pages, hosts) = (pages, isLocal ? HostPolicy(names: []) : nil) }

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

    /// A page of somebody else's in an operator's browser must neither read nor end anything.
    private func refusal(_ fields: HTTPHeaders) -> AdminPages.Answer? {
        if let hosts, let host = fields.first(name: "Host"), !hosts.permits(Array(host.utf8)[...]) {
            return .text("call it by 127.0.0.1 or localhost\n", .misdirectedRequest)
        }
        guard fields.contains(name: "Origin") || fields.first(name: "Sec-Fetch-Site") == "cross-site" else {
            return nil
        }
        return .text("not for other pages\n", .forbidden)
    }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let answer = refusal(request.headers) ?? pages.answer(request.method, request.uri.prefix { $0 != "?" })
        var head = HTTPResponseHead(version: request.version, status: answer.status)
        head.headers.add(name: "Content-Type", value: answer.type)
        head.headers.add(name: "Content-Length", value: String(answer.body.count))
        head.headers.add(name: "Cache-Control", value: "no-store")
        head.headers.add(name: "X-Content-Type-Options", value: "nosniff")
        if let policy = answer.policy { head.headers.add(name: "Content-Security-Policy", value: policy) }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if !request.isKeepAlive { context.close(promise: nil) }
    }
}
