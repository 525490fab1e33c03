// A running client of a tenant.

import CurlTransport
import Model
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Runs every test of a suite on both lanes, and the direct one with either way of waiting for its sockets.
struct OnBothLanes: SuiteTrait, TestTrait, TestScoping {
    @TaskLocal static var lane = CurlSettings.Lane.direct
    @TaskLocal static var waiter = ReadinessWaiter.system

    var isRecursive: Bool { true }

    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable @concurrent () async throws -> Void
    )
        async throws
    {
        guard testCase != nil else { return try await body() }
        for lane in [CurlSettings.Lane.direct, .general] { try await Self.$lane.withValue(lane) { try await body() } }
        try await Self.$waiter.withValue(.thread) { try await body() }
    }
}

extension Trait where Self == OnBothLanes {
    static var onBothLanes: Self { OnBothLanes() }
}

/// Runs `body` with a client on `eventLoop`, or on one of its own, and ends what it has made afterwards.
/// Its time limits are longer than any test takes on a busy machine, but for those that a test is about.
func withClient<Result>(
    of origin: TenantOrigin, authorities: String?, version: CurlSettings.HTTPVersion = .http1,
    connectTimeout: Duration = .seconds(600), on eventLoop: (any EventLoop)? = nil,
    change: (inout CurlSettings) -> Void = { _ in },
    _ body: (CurlClient) async throws -> Result
) async throws -> Result {
    var settings = CurlSettings(origin: origin)
    (settings.authorities, settings.version, settings.connectTimeout) = (authorities, version, connectTimeout)
    settings.lane = OnBothLanes.lane
    change(&settings)
    guard let eventLoop else { return try await withClient(settings) { client, _ in try await body(client) } }
    return try await withClient(settings, on: eventLoop) { client, _ in try await body(client) }
}

/// Runs `body` with a client on an event loop of its own, and ends both afterwards.
func withClient<Result>(
    _ settings: CurlSettings, _ body: (CurlClient, _ running: Task<Bool, Never>) async throws -> Result
) async throws -> Result {
    let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
        let result = try await withClient(settings, on: loops.next(), body)
        try await loops.shutdownGracefully()
        return result
    } catch {
        try? await loops.shutdownGracefully()
        throw error
    }
}

/// Runs `body` with a client on an event loop, and ends the client afterwards.
func withClient<Result>(
    _ settings: CurlSettings, on eventLoop: any EventLoop,
    _ body: (CurlClient, _ running: Task<Bool, Never>) async throws -> Result
) async throws -> Result {
    let client = try #require(CurlClient(settings, on: eventLoop, waiter: OnBothLanes.waiter))
    let running = Task { await client.run() }
    do {
        let result = try await body(client, running)
        client.close(now: true)
        #expect(await running.value)
        return result
    } catch {
        client.close(now: true)
        _ = await running.value
        throw error
    }
}

func withClient<Result>(
    of tenant: ScriptedTenant, connectTimeout: Duration = .seconds(600), on eventLoop: (any EventLoop)? = nil,
    change: (inout CurlSettings) -> Void = { _ in },
    _ body: (CurlClient) async throws -> Result
) async throws -> Result {
    try await withClient(
        of: TenantOrigin(scheme: "https", host: "localhost", port: tenant.port), authorities: tenant.certificates,
        connectTimeout: connectTimeout, on: eventLoop, change: change, body)
}

extension UpstreamRequest {
    static func sample(
        _ method: String = "GET", _ target: String = "/a", _ fields: KeyValuePairs<String, String> = [:],
        body: MessageBody = .none,
        timeout: Duration = .seconds(600), mayResend: Bool = false
    ) -> UpstreamRequest {
        UpstreamRequest(
            method: bytes(method), target: bytes(target), fields: HeaderFields(fields), body: body, timeout: timeout,
            mayResend: mayResend)
    }
}

extension CurlClient {
    /// The answer in words: `200 body`, or the error's reason.
    func exchange(_ request: UpstreamRequest = .sample()) async -> String {
        do throws(TransportError) {
            let response = try await send(request)
            do {
                let body = try await response.body.collect(upTo: 1 << 26)
                return "\(response.status) \(text(body))"
            } catch { return "\(response.status) cut \(error)" }
        } catch { return "\(error.reason.rawValue)\(error.maybeSent ? " maybe sent" : "")" }
    }
}

/// `#expect` of two texts that shows both.
func expect(_ found: String, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(found == expected, sourceLocation: sourceLocation)
}
