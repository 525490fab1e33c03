// Bytes on a socket: what no HTTP client would send, and exactly what came back.

internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// One TCP connection to a port of this machine.
package final class RawClient: Sendable {
    private struct State {
        var received: [UInt8] = []
        var isOver = false
        var waiters: [(isEnough: @Sendable ([UInt8]) -> Bool, continuation: CheckedContinuation<[UInt8], Never>)] = []
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let client: RawClient
        init(_ client: RawClient) { self.client = client }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let piece = Array(unwrapInboundIn(data).readableBytesView)
            client.change { $0.received += piece }
        }
        func channelInactive(context: ChannelHandlerContext) { client.change { $0.isOver = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private let state = NIOLockedValueBox(State())
    private let channel = NIOLockedValueBox<(any Channel)?>(nil)

    private init() {}

    /// - Parameters:
    ///   - reads: whether it ever takes what comes.
    ///   - first: what it says at once, however long the caller of this has to wait for a thread.
    package static func connect(port: Int, reads: Bool = true, first: String? = nil) async throws -> RawClient {
        let client = RawClient()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: false)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(client))
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .flatMap { channel in
                guard let first else { return channel.eventLoop.makeSucceededFuture(channel) }
                return channel.writeAndFlush(ByteBuffer(string: first)).map { channel }
            }.get()
        client.channel.withLockedValue { $0 = channel }
        return client
    }

    package func send(_ text: String) async throws { try await send(bytes(text)) }

    package func send(_ bytes: [UInt8]) async throws {
        guard let channel = channel.withLockedValue({ $0 }) else { return }
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Everything received once `isEnough` says so, or once the connection is over.
    package func receive(until isEnough: @escaping @Sendable ([UInt8]) -> Bool) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            let ready: [UInt8]? = state.withLockedValue { state in
                if state.isOver || isEnough(state.received) { return state.received }
                state.waiters.append((isEnough, continuation))
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    /// Everything received until the other side closed.
    package func receiveToEnd() async -> String { text(await receive { _ in false }) }

    /// Everything received until `mark` has come `times` times, or the end.
    package func receive(upTo mark: String, times: Int = 1) async -> String {
        text(await receive { text($0).ranges(of: mark).count >= times })
    }

    package func close() async { try? await channel.withLockedValue({ $0 })?.close() }

    private func change(_ change: (inout State) -> Void) {
        let ready = state.withLockedValue { state in
            change(&state)
            let (received, isOver) = (state.received, state.isOver)
            let ready = state.waiters.filter { isOver || $0.isEnough(received) }
            state.waiters.removeAll { isOver || $0.isEnough(received) }
            return ready.map { ($0.continuation, received) }
        }
        for (continuation, received) in ready { continuation.resume(returning: received) }
    }
}
