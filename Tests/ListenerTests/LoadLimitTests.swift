// Limits that protect the sidecar from its callers, and its callers from each other.

import Listener
import Model
import NIOConcurrencyHelpers
import TestSupport
import Testing

struct LoadLimitTests {
    private static let echo: ScriptedTransport.Script = { (request, _) throws(TransportError) in
        .json(text(request.body))
    }
    private static let request =
        "POST /pass/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"

    /// A header that trickles has its time from its first byte on, however often a byte comes.
    @Test func aSlowHeaderIsCutOff() async throws {
        let scene = try PipelineScene(Self.echo)
        try await withListener(scene, limits: .changed { $0.header = .milliseconds(300) }) { port, _ in
            let slow = try await RawClient.connect(port: port)
            let trickle = Task {
                for byte in bytes("POST /pass/x HTTP/1.1\r\nX-Long: " + String(repeating: "a", count: 100_000)) {
                    try await slow.send([byte])
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            let answer = await slow.receiveToEnd()
            trickle.cancel()
            await slow.close()
            #expect(
                answer.hasPrefix("HTTP/1.1 408 ") && answer.contains("X-Sidecar-Error: HEADER_TIMEOUT\r\n"), "\(answer)"
            )
        }
        #expect(scene.transport.requests.isEmpty)
    }

    /// A connection that is only open does not count as a slow header, and a second request has a time of its own.
    @Test func anIdleConnectionIsNoSlowHeader() async throws {
        let scene = try PipelineScene(Self.echo)
        try await withListener(scene, limits: .changed { $0.header = .milliseconds(500) }) { port, _ in
            let client = try await RawClient.connect(port: port)
            for number in 1...3 {
                try await Task.sleep(for: .milliseconds(600))
                try await client.send("POST /pass/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi")
                #expect(await client.receive(upTo: "\r\n\r\nhi", times: number).hasSuffix("hi"))
            }
            await client.close()
        }
        #expect(scene.transport.requests.count == 3)
    }

    @Test func tooManyConnections() async throws {
        let scene = try PipelineScene(Self.echo)
        try await withListener(scene, limits: .changed { $0.connections = 2 }) { port, _ in
            let idle = [try await RawClient.connect(port: port), try await RawClient.connect(port: port)]
            // Both have been taken when they are answered.
            for client in idle {
                try await client.send("POST /pass/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi")
                #expect(await client.receive(upTo: "hi").hasPrefix("HTTP/1.1 200 "))
            }
            let third = try await RawClient.connect(port: port)
            let answer = await third.receiveToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Retry-After: 1\r\n"), "\(answer)")
            #expect(answer.contains("X-Sidecar-Error: OVERLOADED\r\n") && answer.contains("Connection: close\r\n"))
            await third.close()
            // The others were not disturbed, and their places come free.
            for client in idle {
                try await client.send(Self.request)
                #expect(await client.receiveToEnd().contains("hi"))
                await client.close()
            }
        }
    }

    /// One works, one waits its turn, and whoever waits too long is told to come again.
    @Test func tooManyRequests() async throws {
        let (arrived, go) = (Gate(), Gate())
        let scene = try PipelineScene { (request, _) throws(TransportError) in
            arrived.signal()
            await go.wait()
            return .json("{}")
        }
        try await withListener(
            scene,
            limits: .changed {
                $0.inFlight = 1
                $0.queue = .milliseconds(300)
            }
        ) { port, _ in
            let first = try await RawClient.connect(port: port)
            try await first.send(Self.request)
            await arrived.wait()
            let second = try await RawClient.connect(port: port)
            try await second.send(Self.request)
            let refused = await second.receiveToEnd()
            #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("OVERLOADED"), "\(refused)")
            #expect(scene.transport.requests.count == 1)
            let third = try await RawClient.connect(port: port)
            try await third.send(Self.request)
            go.signal()
            #expect(await first.receiveToEnd().hasPrefix("HTTP/1.1 200 "))
            go.signal()
            // It either got its turn or had waited too long already; it is not forgotten.
            #expect(await third.receiveToEnd().hasPrefix("HTTP/1.1 "))
            for client in [first, second, third] { await client.close() }
        }
    }

    /// Everybody gets a turn, in the end nobody holds a place.
    @Test func aHundredRequestsThroughTwoPlaces() async throws {
        let scene = try PipelineScene(Self.echo)
        try await withListener(
            scene,
            limits: .changed {
                $0.inFlight = 2
                $0.queue = .seconds(60)
            }
        ) { port, _ in
            for _ in 0..<2 {
                try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<100 {
                        group.addTask {
                            let client = try await RawClient.connect(port: port)
                            try await client.send(Self.request)
                            let answer = await client.receiveToEnd()
                            await client.close()
                            return String(answer.prefix(12))
                        }
                    }
                    for try await status in group { #expect(status == "HTTP/1.1 200") }
                }
            }
        }
    }

    /// A caller that reads nothing is ended, and what waits for it is bounded meanwhile.
    @Test func aSlowReaderIsEnded() async throws {
        let body = EndlessBody()
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            UpstreamResponse(status: 200, fields: HeaderFields(), body: body)
        }
        try await withListener(scene, limits: .changed { $0.idle = .seconds(8) }) { port, _ in
            let client = try await RawClient.connect(port: port, reads: false, first: Self.request)
            await body.cancelled.wait()
            // Far more than any socket takes, far less than it could have pulled meanwhile.
            #expect(body.pulled < 64 << 20)
            await client.close()
        }
    }
}

/// Pieces without end, until somebody says that it is enough.
private final class EndlessBody: BodyStream {
    let cancelled = Gate()
    private let pieces = NIOLockedValueBox(0)
    private static let piece = [UInt8](repeating: 0x61, count: 1 << 16)

    /// Bytes given out.
    var pulled: Int { pieces.withLockedValue { $0 } * Self.piece.count }

    func next() async throws(BodyFault) -> [UInt8]? {
        guard cancelled.count == 0 else { return nil }
        pieces.withLockedValue { $0 += 1 }
        return Self.piece
    }
    func cancel() { cancelled.signal() }
}

extension ConnectionLimits {
    /// The usual ones with a change.
    fileprivate static func changed(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
        var limits = ConnectionLimits()
        change(&limits)
        return limits
    }
}
