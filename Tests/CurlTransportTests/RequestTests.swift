// What goes out on the wire, byte for byte, and that it goes out once.

import CurlTransport
import Model
import NIOConcurrencyHelpers
import TenantEmulator
import TestSupport
import Testing

@Suite(.onBothLanes) struct RequestTests {
    @Test func nothingIsAdded() async throws {
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            let host = "Host: localhost:\(tenant.port)\r\n"
            try await withClient(of: tenant) { client in
                let post = UpstreamRequest.sample(
                    "POST", "/a/../b//c?d=/./e&%2f", ["X-One": "1", "x-empty": "", "Content-Type": "application/json"],
                    body: .bytes(bytes("{}")))
                expect(await client.exchange(post), "200 ok")
                _ = await client.exchange(.sample("GET", "/g", ["Accept": "x/y", "User-Agent": "app"]))
                _ = await client.exchange(.sample("DELETE", "/d"))
                _ = await client.exchange(.sample("POST", "/e", body: .bytes([])))
                _ = await client.exchange(.sample("PURGE", "/m", body: .bytes(bytes("x"))))
                _ = await client.exchange(
                    .sample("PUT", "/s", body: .stream(FixedBody([bytes("ab"), bytes("c")]), length: 3)))
                _ = await client.exchange(
                    .sample("POST", "/t", body: .stream(FixedBody([bytes("ab"), bytes("c")]), length: nil)))
                // libcurl leaves out the space before an empty value.
                let requests = tenant.requests.map { text($0).replacing("x-empty: \r\n", with: "x-empty:\r\n") }
                #expect(
                    requests == [
                        "POST /a/../b//c?d=/./e&%2f HTTP/1.1\r\n\(host)X-One: 1\r\nx-empty:\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                        "GET /g HTTP/1.1\r\n\(host)Accept: x/y\r\nUser-Agent: app\r\n\r\n",
                        "DELETE /d HTTP/1.1\r\n\(host)\r\n",
                        "POST /e HTTP/1.1\r\n\(host)Content-Length: 0\r\n\r\n",
                        "PURGE /m HTTP/1.1\r\n\(host)Content-Length: 1\r\n\r\nx",
                        "PUT /s HTTP/1.1\r\n\(host)Content-Length: 3\r\n\r\nabc",
                        "POST /t HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
                    ])
                #expect(tenant.connections == 1)
            }
        }
    }

    @Test func trailersFollowAChunkedBodyAndTheNextOneHasNoneOfThem() async throws {
        let trailers = HeaderFields(["X-Checksum": "1", "X-Other": "a b"])
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            try await withClient(of: tenant) { client in
                for trailers in [trailers, HeaderFields()] {
                    let body = FixedBody([bytes("ab")], trailers: trailers)
                    expect(await client.exchange(.sample("POST", "/", body: .stream(body, length: nil))), "200 ok")
                }
                #expect(
                    tenant.requests.map { text($0).split(separator: "chunked\r\n\r\n").last } == [
                        "2\r\nab\r\n0\r\nX-Checksum: 1\r\nX-Other: a b\r\n\r\n", "2\r\nab\r\n0\r\n\r\n",
                    ])
                #expect(tenant.connections == 1)
            }
        }
    }

    @Test func headHasNoBody() async throws {
        let answer = Reply("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        try await ScriptedTenant.with(.each { $0 == 1 ? answer : .ok("fine") }) { tenant in
            try await withClient(of: tenant) { client in
                expect(await client.exchange(.sample("HEAD")), "200 ")
                expect(await client.exchange(), "200 fine")
                #expect(tenant.connections == 1)
            }
        }
    }

    /// A safe request goes out once more when the kept-alive connection ended under it, and no third time.
    @Test(arguments: [Reply.End.close, .cut, .reset])
    func aSafeRequestIsSentOnceMore(_ end: Reply.End) async throws {
        let safe = UpstreamRequest.sample(mayResend: true)
        try await ScriptedTenant.with(.each { $0 == 2 ? Reply("", end) : .ok("\($0)") }) { tenant in
            try await withClient(of: tenant) { client in
                expect(await client.exchange(safe), "200 1")
                expect(await client.exchange(safe), "200 3")
                #expect(tenant.connections == 2)
            }
        }
        // On a new connection a loss is a loss.
        try await ScriptedTenant.with(.each { _ in Reply("", end) }) { tenant in
            try await withClient(of: tenant) { client in
                expect(await client.exchange(safe), "broken maybe sent")
                #expect(tenant.requests.count == 1)
            }
        }
    }

    /// The tenant takes the second request on a kept-alive connection and closes. libcurl alone would send it again.
    @Test(arguments: [Reply.End.close, .cut, .reset])
    func nothingIsSentTwice(_ end: Reply.End) async throws {
        try await ScriptedTenant.with(.each { $0 == 2 ? Reply("", end) : .ok() }) { tenant in
            try await withClient(of: tenant) { client in
                expect(await client.exchange(), "200 ok")
                expect(await client.exchange(.sample("POST", "/x", body: .bytes(bytes("{}")))), "broken maybe sent")
                #expect(tenant.requests.count == 2)
                expect(await client.exchange(), "200 ok")
            }
        }
    }

    @Test func aSourceThatFailsEndsTheRequest() async throws {
        try await ScriptedTenant.with(.each { _ in .ok("fine") }) { tenant in
            try await withClient(of: tenant) { client in
                let body = MessageBody.stream(FixedBody([bytes("ab")], fault: .broken), length: 10)
                expect(await client.exchange(.sample("POST", "/x", body: body)), "requestBody maybe sent")
                await tenant.closed.wait()
                #expect(tenant.requests.isEmpty)
                expect(await client.exchange(), "200 fine")
            }
        }
    }

    @Test func manyAtOnceOverOneHTTP2Connection() async throws {
        try await withTestFolder { folder in
            let emulator = try await RunningEmulator.start(configuration: EmulatorConfiguration(directory: folder))
            let port = try #require(Int(emulator.url.split(separator: ":").last ?? ""))
            let origin = TenantOrigin(scheme: "https", host: "localhost", port: port)
            try await withClient(of: origin, authorities: emulator.caFile, version: .auto) { client in
                await withTaskGroup(of: String.self) { group in
                    for number in 0..<200 {
                        group.addTask {
                            await client.exchange(
                                .sample("POST", "/api/v2/sdk/echo?\(number)", body: .bytes(bytes("body \(number)"))))
                        }
                    }
                    var seen = Set<String>()
                    for await answer in group {
                        #expect(answer.hasPrefix("200 ") && answer.contains(#""protocol":"HTTP/2""#))
                        seen.insert(
                            answer.ranges(of: "body ").first.map {
                                String(answer[$0.upperBound...].prefix { $0.isNumber })
                            } ?? "none")
                    }
                    #expect(seen.count == 200)
                }
            }
            try await withClient(of: origin, authorities: emulator.caFile, version: .http1) { client in
                #expect(await client.exchange(.sample("GET", "/api/v2/sdk/echo")).contains(#""protocol":"HTTP/1.1""#))
            }
            await emulator.stop()
        }
    }

    /// Callers that leave reset their streams, and servers end a connection with many resets: the requests of others on it would be
    /// lost with it.
    @Test func manyThatLeaveEndNobodyElsesRequest() async throws {
        try await withTestFolder { folder in
            let emulator = try await RunningEmulator.start(configuration: EmulatorConfiguration(directory: folder))
            func origin(_ url: String) throws -> TenantOrigin {
                let port = try #require(Int(url.split(separator: ":").last ?? ""))
                return TenantOrigin(
                    scheme: url.hasPrefix("https") ? "https" : "http",
                    host: url.hasPrefix("https") ? "localhost" : "127.0.0.1",
                    port: port)
            }
            try await withClient(of: try origin(emulator.controlURL), authorities: nil) { control in
                let fault = bytes(#"{"kind":"hold","path":"/api/v2/sdk/echo","count":1000}"#)
                expect(await control.exchange(.sample("POST", "/faults", body: .bytes(fault))), #"200 {"id":1}"#)
                try await withClient(of: try origin(emulator.url), authorities: emulator.caFile, version: .auto) {
                    client in
                    async let stays = client.exchange(.sample("GET", "/api/v2/sdk/echo?stays"))
                    for round in 1...6 {
                        let leaving = (0..<50).map { _ in
                            Task { await client.exchange(.sample("GET", "/api/v2/sdk/echo")) }
                        }
                        _ = await control.exchange(
                            .sample("GET", "/faults/parked?at_least=\(50 * round + 1)&timeout_ms=600000"))
                        for task in leaving { task.cancel() }
                        for task in leaving { expect(await task.value, "cancelled maybe sent") }
                    }
                    _ = await control.exchange(.sample("DELETE", "/faults"))
                    let answer = await stays
                    #expect(answer.hasPrefix("200 ") && answer.contains(#""protocol":"HTTP/2""#), "\(answer)")
                }
            }
            await emulator.stop()
        }
    }

    /// A body of 64 MiB goes up to a tenant that reads nothing but the head: the source is asked for little more than fits into the
    /// sockets between.
    @Test func anUploadWaitsForItsReader() async throws {
        try await ScriptedTenant.with(readsBody: false, .each { _ in Reply("") }) { tenant in
            try await withClient(of: tenant) { client in
                let source = CountedBody(pieces: 4096, of: 16_384)
                let request = UpstreamRequest.sample(
                    "POST", "/x", body: .stream(source, length: 4096 * 16_384), timeout: .seconds(10))
                expect(await client.exchange(request), "timeout maybe sent")
                #expect(source.pulled < 1024)
            }
        }
    }
}

/// A body of equal pieces that counts how many were asked for.
final class CountedBody: BodyStream {
    private let count = NIOLockedValueBox(0)
    private let pieces: Int
    private let piece: [UInt8]

    init(pieces: Int, of size: Int) { (self.pieces, piece) = (pieces, [UInt8](repeating: 0x61, count: size)) }

    var pulled: Int { count.withLockedValue { $0 } }

    func next() async throws(BodyFault) -> [UInt8]? {
        count.withLockedValue { count in
            guard count < pieces else { return nil }
            count += 1
            return piece
        }
    }
    func cancel() {}
}
