// A port for a server that a test starts later.

internal import NIOCore
internal import NIOPosix

/// A loopback port that was free a moment ago.
package func freePort() async throws -> Int {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port
    try await channel.close()
    return port ?? 0
}
