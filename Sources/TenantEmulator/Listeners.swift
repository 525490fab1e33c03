// The two listeners: TLS with HTTP/1.1 and HTTP/2 for the tenant, plain HTTP/1.1 for the control port.
import Foundation
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL

/// Where to listen; port 0 lets the system choose.
package struct ListenAddress: Sendable, Equatable {
    package let host: String
    package let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port` or `[v6]:port`; nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        var host = String(text[..<colon])
        guard let port = UInt16(text[text.index(after: colon)...]), !host.isEmpty else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.host = host
        self.port = Int(port)
    }
}

enum Listeners {
    static func tenant(
        _ address: ListenAddress, desk: TenantDesk, tls: NIOSSLContext, group: any EventLoopGroup
    ) async throws -> any Channel {
        let responder = TenantResponder(desk: desk)
        return try await bootstrap(group).childChannelInitializer { channel in
            desk.connectionOpened()
            channel.closeFuture.whenComplete { _ in desk.connectionClosed() }
            return channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
            }.flatMap {
                channel.configureHTTP2SecureUpgrade(
                    h2ChannelConfigurator: { channel in
                        channel.eventLoop.makeCompletedFuture { try speakHTTP2(channel, responder) }
                    },
                    http1ChannelConfigurator: { channel in
                        channel.eventLoop.makeCompletedFuture { try speakHTTP1(channel, responder) }
                    })
            }
        }.bind(to: address, named: "--listen")
    }

    static func control(
        _ address: ListenAddress, responder: ControlResponder, group: any EventLoopGroup
    ) async throws -> any Channel {
        try await bootstrap(group).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try speakHTTP1(channel, responder) }
        }.bind(to: address, named: "--control")
    }

    private static func bootstrap(_ group: any EventLoopGroup) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
    }

    private static func speakHTTP1(_ channel: any Channel, _ responder: any Responder) throws {
        let operations = channel.pipeline.syncOperations
        try operations.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        try operations.addHandler(HTTP1Connection(responder: responder))
    }

    private static func speakHTTP2(_ channel: any Channel, _ responder: any Responder) throws {
        _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(HTTP2Stream(responder: responder))
            }
        }
    }
}

extension ServerBootstrap {
    /// - Throws: `StartProblem` that names the option which chose the address.
    fileprivate func bind(to address: ListenAddress, named option: String) async throws -> any Channel {
        do { return try await bind(host: address.host, port: address.port).get() } catch let error as IOError {
            throw StartProblem(
                description:
                    "\(option) \(address.host):\(address.port): \(unsafe String(cString: strerror(error.errnoCode))); choose another address"
            )
        }
    }
}

/// Why the emulator cannot start: one line that says what to change.
package struct StartProblem: Error, CustomStringConvertible {
    package let description: String
}
