// A port for a program that has to be told one.

internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// The next port to try, below those that the system gives out by itself (32768 and above): one of those could be anybody's connection
/// by the time the program takes it.
private let next = NIOLockedValueBox(Int.random(in: 20_000..<31_000))

/// A port of 127.0.0.1 that nobody listens on; no two callers get the same.
package func freePort() async throws -> Int {
    for _ in 0..<12_000 {
        let port = next.withLockedValue { next in
            next = next < 31_999 ? next + 1 : 20_000
            return next
        }
        guard
            let channel = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1).bind(host: "127.0.0.1", port: port).get()
        else { continue }
        try await channel.close()
        return port
    }
    throw BadSample(what: "no port is free")
}
