// A whole request through the pipeline, without sockets.

internal import Model
internal import Pipeline
internal import Sessions
internal import TestSupport

/// A tenant that is there at once.
private struct OneAnswer: UpstreamTransport {
    private static let body = bytes(#"{"ticket":"t","expire":60}"#)

    func send(_ request: UpstreamRequest) async throws(TransportError) -> UpstreamResponse {
        UpstreamResponse(status: 200, fields: HeaderFields(), body: FixedBody([Self.body]))
    }
}

extension Benchmark {
    private static func scene() async throws -> PipelineScene {
        let scene = try PipelineScene(upstream: OneAnswer()) { (_, _) throws(TransportError) in .json("{}") }
        await scene.sessions.learn(
            RenewedToken(
                token: try .sample("session-token-of-forty-characters-000001"), life: .seconds(43_200),
                fingerprint: try .sample("fp")), for: try .sample("alice"), isLogin: true)
        return scene
    }

    static let pipeline = [
        Benchmark("local API, newest token from memory", rounds: 20_000) { _ in
            let scene = try await scene()
            return { rounds in
                for _ in 0..<rounds {
                    let result = await scene.call(
                        "/sidecar/v1/users/alice/session-token", "", method: "GET", user: nil)
                    try check(result.status == 200, "the local API said \(result.outcome)")
                }
            }
        },
        Benchmark("T3 with everything injected", rounds: 20_000) { _ in
            let scene = try await scene()
            return { rounds in
                for _ in 0..<rounds {
                    let result = await scene.call(PipelineScene.ticketPath, Self.body)
                    try check(result.status == 200, "T3 said \(result.outcome)")
                }
            }
        },
    ]
}
