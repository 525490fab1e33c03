// One local connection as raw bytes: framing, keep-alive, pipelining, refusals, pace and the end.

import Listener
import Model
import NIOConcurrencyHelpers
import NIOPosix
import Sessions
import TestSupport
import Testing

struct ConnectionTests {
    /// Sends bytes and returns everything until the listener closes.
    private func exchange(_ request: String, _ scene: PipelineScene) async throws -> String {
        var answer = ""
        try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(request)
            answer = await client.receiveToEnd()
        }
        return answer
    }

    /// Answers with what it got.
    private static let echo: ScriptedTransport.Script = { (request, _) throws(TransportError) in
        .json(text(request.body))
    }
    private static let head = "POST /pass/x HTTP/1.1\r\nHost: localhost\r\n"

    /// The status lines of an answer.
    private func statuses(_ answer: String) -> [String] {
        answer.matches(of: #/HTTP\/1\.1 (\d{3}) /#).map { String($0.1) }
    }

    @Test func aWholeExchange() async throws {
        let scene = try PipelineScene(Self.echo)
        let answer = try await exchange(
            Self.head + "X-Request-Id: r1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", scene)
        #expect(
            answer
                == "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Sidecar-Source: upstream\r\nX-Request-Id: r1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
        )
    }

    /// What must never be guessed at: each is refused with the same bytes, the connection is over, nothing reaches the tenant.
    @Test(arguments: [
        "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
        "Content-Length: +2\r\n\r\nhi",
        "Content-Length: 0x2\r\n\r\nhi", "Content-Length: 2,2\r\n\r\nhi", "Content-Length: -2\r\n\r\nhi",
        "Content-Length: \r\n\r\nhi",
        "Content-Length: 99999999999999999999\r\n\r\nhi", "Content-Length: 18446744073709551615\r\n\r\nhi",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "X : y\r\n\r\n", " X: y\r\n\r\n",
        "X: a\r\n b\r\n\r\n",
        "X\r\n\r\n", ": y\r\n\r\n", "X: a\u{0}b\r\n\r\n", "X: a\rb\r\n\r\n", "X\u{1}: y\r\n\r\n",
        "Host: localhost\r\n\r\n",
        "H\u{E9}: x\r\n\r\n",
    ])
    func refusedFraming(_ rest: String) async throws {
        let scene = try PipelineScene(Self.echo)
        let answer = try await exchange(
            Self.head + rest + "POST /pass/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n", scene)
        #expect(statuses(answer) == ["400"], "\(rest) gave \(answer)")
        #expect(answer.contains("X-Sidecar-Error: REQUEST_INVALID\r\n") && answer.contains("Connection: close\r\n"))
        #expect(scene.transport.requests.isEmpty)
    }

    @Test(arguments: [
        "GET /pass/x HTTP/1.1\r\n\r\n", "GET /pass/x\r\n\r\n", "GET /pass/x HTTP/2.0\r\nHost: localhost\r\n\r\n",
        "GET /pass/x HTTP/1.2\r\nHost: localhost\r\n\r\n", "G\u{1}T /pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\u{16}\u{3}\u{1}\r\n\r\n",
        "GET /pass/\u{E9} HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /pass/x#y HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "nonsense\r\n\r\n",
    ])
    func refusedRequestLines(_ request: String) async throws {
        let scene = try PipelineScene(Self.echo)
        #expect(statuses(try await exchange(request, scene)) == ["400"])
        #expect(scene.transport.requests.isEmpty)
    }

    @Test func aValueThatIsNotUTF8IsRefused() async throws {
        let scene = try PipelineScene(Self.echo)
        try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(bytes(Self.head + "X-Sidecar-User: ") + [0xE9] + bytes("\r\n\r\n"))
            #expect(statuses(await client.receiveToEnd()) == ["400"])
        }
        #expect(scene.transport.requests.isEmpty)
    }

    @Test(arguments: [
        "zz\r\nhi\r\n0\r\n\r\n", "ffffffffffffffffff\r\nhi\r\n0\r\n\r\n", "2\r\nhiXX0\r\n\r\n",
        "2\r\nhi\r\n0\r\nX : y\r\n\r\n",
        "-2\r\nhi\r\n0\r\n\r\n",
    ])
    func badChunksNeverBecomeABody(_ chunks: String) async throws {
        let scene = try PipelineScene(Self.echo)
        let request =
            "POST \(PipelineScene.refreshPath) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunks
        let answer = try await exchange(request, scene)
        #expect(statuses(answer) == ["400"], "\(answer)")
        #expect(scene.transport.requests.isEmpty)
    }

    @Test func chunkedBodiesAreReadWhole() async throws {
        let scene = try PipelineScene(Self.echo)
        let request =
            Self.head
            + "Transfer-Encoding: Chunked\r\nConnection: close\r\n\r\n1;ext=\"x\"\r\nh\r\n1\r\ni\r\n0\r\nX-Trailer: 1\r\n\r\n"
        #expect(try await exchange(request, scene).hasSuffix("\r\n\r\nhi"))
        #expect(scene.transport.requests.map { text($0.body) } == ["hi"])
    }

    /// What may follow a body goes on both ways; what would frame, route or prove anything does not.
    @Test func trailers() async throws {
        let foreign = HeaderFields([
            "Server-Timing": "db;dur=1", "Content-Length": "5", "X-Sidecar-Source": "cache", "Set-Cookie": "a=b",
            "X-Request-Id": "other", "Digest": "d",
        ])
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            UpstreamResponse(
                status: 200, fields: HeaderFields(), body: FixedBody([bytes("a"), bytes("b")], trailers: foreign))
        }
        let given =
            "X-Checksum: 1\r\nAuthorization: Bearer x\r\nx_sidecar_user: bob\r\nSession-Token: t\r\nX-Device-Fingerprint: f\r\nX-signature: s\r\nIf-Match: 1\r\nHost: h\r\n"
        let answer = try await exchange(
            Self.head + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\n\(given)\r\n", scene)
        #expect(answer.hasSuffix("1\r\na\r\n1\r\nb\r\n0\r\nServer-Timing: db;dur=1\r\nDigest: d\r\n\r\n"))
        #expect(scene.transport.requests.map { text($0.body) } == ["hi"])
        #expect(scene.transport.requests.map { text($0.trailers.lines) } == ["X-Checksum: 1\r\n"])
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let scene = try PipelineScene(Self.echo)
        var requests = ""
        for number in 0..<50 {
            let body = "{\"n\":\(number)}"
            requests +=
                Self.head
                + "Content-Length: \(body.utf8.count)\r\n\(number == 49 ? "Connection: close\r\n" : "")\r\n\(body)"
        }
        let answer = try await exchange(requests, scene)
        let numbers = answer.matches(of: /"n":(\d+)/).compactMap { Int($0.1) }
        #expect(numbers == Array(0..<50))
    }

    @Test func aRequestAfterARefusedOneIsNotRead() async throws {
        let scene = try PipelineScene(Self.echo)
        let evil = "POST /pass/a HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\nhi"
        let answer = try await exchange(evil + Self.head + "Content-Length: 2\r\n\r\nhi", scene)
        #expect(statuses(answer) == ["421"])
        #expect(scene.transport.requests.isEmpty)
    }

    /// What is refused only after it has waited its turn is refused like anything else.
    @Test(arguments: [
        "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
        "X: \u{1}\r\n\r\n", "X : y\r\n\r\n",
    ])
    func aBadRequestBehindAGoodOne(_ rest: String) async throws {
        let scene = try PipelineScene(Self.echo)
        let good = Self.head + "Content-Length: 2\r\n\r\nhi"
        let answer = try await exchange(good + Self.head + rest + good, scene)
        #expect(statuses(answer).first == "200" && statuses(answer).count <= 2, "\(answer)")
        #expect(statuses(answer).dropFirst().allSatisfy { $0 == "400" })
        #expect(scene.transport.requests.count == 1)
    }

    /// Callers that ask on and on without taking any answer get no memory for it.
    @Test func pipeliningWithoutReading() async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            UpstreamResponse(
                status: 200, fields: HeaderFields(), body: FixedBody([Array(repeating: 0x61, count: 100_000)]))
        }
        try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port, reads: false)
            let sending = Task {
                for _ in 0..<20_000 { try await client.send("GET /pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n") }
            }
            // Until the sockets are full: far fewer answers than were asked for.
            var seen = -1
            while seen != scene.transport.requests.count || seen < 20 {
                seen = scene.transport.requests.count
                try await Task.sleep(for: .milliseconds(300))
            }
            #expect(seen < 500, "\(seen)")
            sending.cancel()
            await client.close()
            _ = try? await sending.value
        }
    }

    @Test func http10AndConnectionClose() async throws {
        let scene = try PipelineScene { (request, _) throws(TransportError) in
            UpstreamResponse(status: 200, fields: HeaderFields(), body: FixedBody([bytes("ab"), bytes("c")]))
        }
        let old = try await exchange("GET /pass/x HTTP/1.0\r\nHost: localhost\r\n\r\n", scene)
        #expect(
            !old.lowercased().contains("transfer-encoding") && old.hasSuffix("\r\n\r\nabc")
                && old.contains("Connection: close\r\n"))
        let new = try await exchange("GET /pass/x HTTP/1.1\r\nHost: localhost\r\nConnection: X-a, CLOSE\r\n\r\n", scene)
        #expect(new.hasSuffix("\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"))
    }

    @Test func http10KeepsAConnectionThatAsksForIt() async throws {
        let scene = try PipelineScene(Self.echo)
        let one = "POST /pass/x HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"
        let answer = try await exchange(
            one + "POST /pass/x HTTP/1.0\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi", scene)
        #expect(statuses(answer) == ["200", "200"])
        #expect(answer.contains("Connection: keep-alive\r\n"))
    }

    @Test func headAndBodilessStatuses() async throws {
        let scene = try PipelineScene { (request, number) throws(TransportError) in
            request.method == "HEAD"
                ? .json("twelve bytes")
                : UpstreamResponse(status: 304, fields: HeaderFields(["ETag": "x"]), body: FixedBody([]))
        }
        let request =
            "HEAD /pass/x HTTP/1.1\r\nHost: localhost\r\n\r\nGET /pass/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        let answer = try await exchange(request, scene)
        #expect(statuses(answer) == ["200", "304"])
        #expect(answer.contains("Content-Length: 12\r\n") && !answer.contains("twelve") && answer.hasSuffix("\r\n\r\n"))
    }

    @Test func continueIsSentWhenTheBodyIsWantedAndOnlyThen() async throws {
        let scene = try PipelineScene(Self.echo)
        try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(Self.head + "Expect: 100-Continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
            #expect(await client.receive(upTo: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("hi")
            #expect(statuses(await client.receiveToEnd()) == ["100", "200"])
            let refused = try await RawClient.connect(port: port)
            try await refused.send(
                "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            #expect(statuses(await refused.receiveToEnd()) == ["403"])
        }
    }

    /// Java's client offers h2c with every request.
    @Test func anOfferedUpgradeIsIgnoredAndStripped() async throws {
        let scene = try PipelineScene(Self.echo)
        let offer =
            "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
        #expect(statuses(try await exchange(Self.head + offer + "Content-Length: 2\r\n\r\nhi", scene)) == ["200"])
        // An offer that is ignored leaves the connection as it is.
        let kept = offer.replacing(", close", with: "")
        let last = "Connection: close\r\nContent-Length: 2\r\n\r\nho"
        let answer = try await exchange(Self.head + kept + "Content-Length: 2\r\n\r\nhi" + Self.head + last, scene)
        #expect(statuses(answer) == ["200", "200"] && answer.hasSuffix("ho"))
        #expect(
            scene.transport.requests.first?.fields.texts.contains {
                $0.lowercased().contains("h2c") || $0.lowercased().contains("http2")
            }
                == false)
        #expect(
            statuses(try await exchange(Self.head + "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n", scene)) == [
                "501"
            ])
    }

    @Test func limits() async throws {
        let scene = try PipelineScene(Self.echo)
        let long = "GET /" + String(repeating: "a", count: 8200) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
        #expect(statuses(try await exchange(long, scene)) == ["414"])
        let many = Self.head + String(repeating: "X: y\r\n", count: 101) + "\r\n"
        #expect(statuses(try await exchange(many, scene)) == ["431"])
        let large = "POST \(PipelineScene.refreshPath) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n"
        #expect(statuses(try await exchange(large, scene)) == ["413"])
        let chunk = "10000\r\n" + String(repeating: " ", count: 65_536) + "\r\n"
        let chunked =
            "POST \(PipelineScene.refreshPath) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            + String(repeating: chunk, count: 17)
        #expect(statuses(try await exchange(chunked, scene)) == ["413"])
        #expect(scene.transport.requests.isEmpty)
    }

    @Test func anEndlessHeadIsCutOff() async throws {
        let scene = try PipelineScene(Self.echo)
        try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port)
            let filler = "X: " + String(repeating: "a", count: 60_000) + "\r\n"
            // The listener may close before all of it is taken.
            try? await client.send("GET /pass/x HTTP/1.1\r\n")
            for _ in 0..<100 { try? await client.send(filler) }
            let answer = await client.receiveToEnd()
            // Which limit it meets first depends on how fast it can send.
            #expect(answer.isEmpty || ["400", "408", "431"].contains(statuses(answer).first), "\(answer)")
        }
        #expect(scene.transport.requests.isEmpty)
    }

    @Test func silenceIsEnded() async throws {
        let scene = try PipelineScene(Self.echo)
        var limits = ConnectionLimits()
        limits.idle = .milliseconds(200)
        try await withListener(scene, limits: limits) { port, _ in
            let idle = try await RawClient.connect(port: port)
            #expect(await idle.receiveToEnd() == "")
            let halfHead = try await RawClient.connect(port: port)
            // On a slow machine the connection may be over before this.
            try? await halfHead.send("POST /pass")
            #expect(await halfHead.receiveToEnd() == "")
        }
        limits.idle = .seconds(60)
        limits.body = .milliseconds(200)
        try await withListener(scene, limits: limits) { port, _ in
            let halfBody = try await RawClient.connect(port: port)
            try await halfBody.send(
                "POST \(PipelineScene.refreshPath) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{}")
            #expect(statuses(await halfBody.receiveToEnd()) == ["408"])
        }
        #expect(scene.transport.requests.isEmpty)
    }

    /// An answer that breaks after its head is never made to look complete.
    @Test(arguments: [nil, 10])
    func aCutAnswerIsCutVisibly(_ length: Int?) async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            let fields = length.map { HeaderFields(["Content-Length": "\($0)"]) } ?? HeaderFields()
            return UpstreamResponse(status: 200, fields: fields, body: FixedBody([bytes("abc")], fault: .broken))
        }
        let answer = try await exchange("GET /pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n", scene)
        #expect(answer.hasSuffix(length == nil ? "3\r\nabc\r\n" : "\r\n\r\nabc"))
    }

    @Test func aCallerThatLeavesEndsTheCallButNotARotation() async throws {
        let (passing, rotating) = (Gate(), Gate())
        let cancelled = Gate()
        let scene = try PipelineScene { (request, _) throws(TransportError) in
            if request.target == "/pass/x" {
                passing.signal()
                await cancelled.signalWhenCancelled()
                throw TransportError(.cancelled, maybeSent: true)
            }
            rotating.signal()
            await cancelled.wait()
            return .json(#"{"session_token":"T1"}"#)
        }
        try await withListener(scene) { port, _ in
            let refreshing = try await RawClient.connect(port: port)
            let body = #"{"session_token":"T0"}"#
            try await refreshing.send(
                "POST \(PipelineScene.refreshPath) HTTP/1.1\r\nHost: localhost\r\nX-Sidecar-User: alice\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            )
            await rotating.wait()
            await refreshing.close()
            let passed = try await RawClient.connect(port: port)
            try await passed.send("GET /pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await passing.wait()
            await passed.close()
            await cancelled.wait()
            #expect(await scene.sessions.drain(within: .zero) == 0)
            #expect(try await scene.store.load(.sample("alice"))?.session.token == .sample("T1"))
        }
    }

    /// What it had asked for behind the request at work is not begun for nobody.
    @Test func pipelinedRequestsOfACallerThatHasGone() async throws {
        let (arrived, cancelled) = (Gate(), Gate())
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            arrived.signal()
            await cancelled.signalWhenCancelled()
            throw TransportError(.cancelled, maybeSent: true)
        }
        try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(String(repeating: "GET /pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 3))
            await arrived.wait()
            await client.close()
            await cancelled.wait()
        }
        #expect(scene.transport.requests.count == 1)
    }

    /// A tenant that answers before it reads: `100 Continue` in the middle of an answer would be taken for a part of it.
    @Test func noContinueBehindTheBeginOfAnAnswer() async throws {
        let scene = try PipelineScene(upstream: AnsweringFirst()) { (_, _) throws(TransportError) in .json("{}") }
        try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(
                "POST /pass/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            let begun = await client.receive(upTo: "first\r\n")
            #expect(begun.hasPrefix("HTTP/1.1 200 "))
            try await client.send("6\r\nsecond\r\n0\r\n\r\n")
            let answer = await client.receive(upTo: "0\r\n\r\n")
            #expect(answer.hasSuffix("5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"), "\(answer)")
            await client.close()
        }
    }

    /// Server-sent events and their like: a piece goes on when it is there, not when the next one comes.
    @Test func everyPieceIsSentAtOnce() async throws {
        let next = Gate()
        let body = GatedBody([bytes("data: 1\n\n"), bytes("data: 2\n\n")], next)
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            UpstreamResponse(
                status: 200, fields: HeaderFields(["Content-Type": "text/event-stream"]), body: body)
        }
        try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send("GET /pass/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(await client.receive(upTo: "data: 1\n\n\r\n").contains("text/event-stream"))
            next.signal()
            #expect(await client.receiveToEnd().hasSuffix("data: 2\n\n\r\n0\r\n\r\n"))
        }
    }

    @Test func aLongBodyIsStreamed() async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in .json("{}") }
        let size = 8 << 20
        try await withListener(scene) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(Self.head + "Connection: close\r\nContent-Length: \(size)\r\n\r\n")
            try await client.send([UInt8](repeating: 0x61, count: size))
            #expect(statuses(await client.receiveToEnd()) == ["200"])
        }
        #expect(scene.transport.requests.first?.body.count == size)
    }

    @Test func drainingLetsRequestsFinishAndEndsIdleConnections() async throws {
        let (arrived, go) = (Gate(), Gate())
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            arrived.signal()
            await go.wait()
            return .json("{}")
        }
        let listener = try await LocalListener.open(
            [.tcp(host: "127.0.0.1", port: 0)], on: MultiThreadedEventLoopGroup.singleton.next(),
            pipeline: scene.pipeline,
            limits: ConnectionLimits())
        guard case .tcp(_, let port)? = listener.bound.first else { throw BadSample(what: "no port") }
        let (busy, idle) = (try await RawClient.connect(port: port), try await RawClient.connect(port: port))
        try await busy.send("GET /pass/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await arrived.wait()
        let drained = Task { await listener.drain(within: .seconds(600)) }
        #expect(await idle.receiveToEnd() == "")
        await #expect(throws: (any Error).self) { try await RawClient.connect(port: port) }
        go.signal()
        let answer = await busy.receiveToEnd()
        #expect(statuses(answer) == ["200"] && answer.contains("Connection: close\r\n"))
        #expect(await drained.value)
    }

    @Test func aBusyPortIsAnErrorWithItsAddress() async throws {
        let scene = try PipelineScene(Self.echo)
        try await withListener(scene) { port, _ in
            let address = ListenAddress.tcp(host: "127.0.0.1", port: port)
            do throws(ListenError) {
                _ = try await LocalListener.open(
                    [.tcp(host: "127.0.0.1", port: 0), address], on: MultiThreadedEventLoopGroup.singleton.next(),
                    pipeline: scene.pipeline,
                    limits: ConnectionLimits())
                Issue.record("opened twice")
            } catch { #expect(error.address == address && error.errno == 98) }
        }
    }

    @Test(
        arguments: [
            ("127.0.0.1:8180", "127.0.0.1:8180"), ("[::1]:1", "[::1]:1"), ("unix:/run/x.sock", "unix:/run/x.sock"),
            ("localhost:0", "localhost:0"),
            ("8180", nil), (":1", nil), ("h:", nil), ("h:+1", nil), ("h:65536", nil), ("unix:relative", nil),
            ("h:1x", nil),
        ] as [(String, String?)])
    func addresses(_ given: String, _ expected: String?) { #expect(ListenAddress(given)?.text == expected) }
}

/// Pieces, each but the first after a signal.
private final class GatedBody: BodyStream {
    private let pieces: FixedBody
    private let next: Gate
    private let isFirst = NIOLockedValueBox(true)
    init(_ pieces: [[UInt8]], _ next: Gate) { (self.pieces, self.next) = (FixedBody(pieces), next) }
    func next() async throws(BodyFault) -> [UInt8]? {
        let wasFirst = isFirst.withLockedValue { isFirst in
            defer { isFirst = false }
            return isFirst
        }
        if !wasFirst { await next.wait() }
        return try await pieces.next()
    }
    func cancel() {}
}

/// A tenant that says `first`, and then what it is told.
private struct AnsweringFirst: UpstreamTransport {
    func send(_ request: UpstreamRequest) async throws(TransportError) -> UpstreamResponse {
        guard case .stream(let source, _) = request.body else { throw TransportError(.broken, maybeSent: true) }
        return UpstreamResponse(status: 200, fields: HeaderFields(), body: BodyBehind(bytes("first"), source))
    }
}

/// One piece, and then another body.
private final class BodyBehind: BodyStream {
    private let first: FixedBody
    private let rest: any BodyStream
    init(_ first: [UInt8], _ rest: any BodyStream) { (self.first, self.rest) = (FixedBody([first]), rest) }
    func next() async throws(BodyFault) -> [UInt8]? {
        if let piece = try await first.next() { return piece }
        return try await rest.next()
    }
    func cancel() { rest.cancel() }
}

extension Gate {
    /// Returns once the task is cancelled; everybody who waits at the gate learns it.
    fileprivate func signalWhenCancelled() async {
        await withTaskCancellationHandler {
            await wait()
        } onCancel: {
            signal()
        }
    }
}
