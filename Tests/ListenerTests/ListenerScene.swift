// A running listener over a scripted tenant.

import Listener
import NIOPosix
import TestSupport
import Testing

/// Runs `body` with a listener on a free port, and drains it afterwards.
func withListener<Result>(
    _ scene: PipelineScene, limits: ConnectionLimits = ConnectionLimits(),
    _ body: (_ port: Int, LocalListener) async throws -> Result
) async throws -> Result {
    let listener = try await LocalListener.open(
        [.tcp(host: "127.0.0.1", port: 0)], on: MultiThreadedEventLoopGroup.singleton.next(),
        pipeline: scene.pipeline, limits: limits)
    guard case .tcp(_, let port)? = listener.bound.first else { throw BadSample(what: "no port") }
    let result = try await body(port, listener)
    #expect(await listener.drain(within: .seconds(10)))
    return result
}
