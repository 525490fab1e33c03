// What is an answer, what is a broken one, and what is cut: raw bytes over real TLS.

import CurlTransport
import Model
import TestSupport
import Testing

@Suite(.onBothLanes) struct AnswerTests {
    /// Heads that libcurl 7.88 takes for good, or half good.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 12345678901234567890\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: foo\r\n\r\nab", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 200 OK\r\nX\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nX: a\u{0}b\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
        "HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 99 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nab", "HTTP/3.0 200 OK\r\n\r\n", "hello", "\r\n\r\n",
        "SSH-2.0-x\r\n", "",
    ])
    func brokenHeads(_ answer: String) async throws {
        let tenant = ScriptedTenant.Script.each { $0 == 1 ? Reply(answer, .close) : .ok("fine") }
        try await ScriptedTenant.with(tenant) { tenant in
            try await withClient(of: tenant) { client in
                expect(await client.exchange(), "broken maybe sent")
                // And nothing of it is left for the next request.
                expect(await client.exchange(), "200 fine")
                #expect(tenant.connections == 2)
                #expect(tenant.requests.count == 2)
            }
        }
    }

    @Test func floods() async throws {
        let field = "X-Filler: " + String(repeating: "a", count: 1000) + "\r\n"
        let floods = [
            String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 2000),
            "HTTP/1.1 200 OK\r\n" + String(repeating: field, count: 2000),
            "HTTP/1.1 200 OK\r\n" + String(repeating: "X: 1\r\n", count: 2000),
            "HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 500_000) + "\r\n",
        ]
        try await ScriptedTenant.with(.each { Reply(floods[$0 - 1] + "Content-Length: 2\r\n\r\nab") }) { tenant in
            try await withClient(of: tenant) { client in
                for _ in floods { expect(await client.exchange(), "broken maybe sent") }
            }
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", Reply.End.close, "200 cut broken"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", .reset, "200 cut broken"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", .close, "200 cut broken"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", .keepOpen, "200 cut broken"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", .keepOpen, "200 cut broken"),
        ("HTTP/1.1 200 OK\r\n\r\nabc", .close, "200 abc"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", .cut, "200 cut broken"),
        ("HTTP/1.0 200 OK\r\n\r\nabc", .close, "200 abc"),
        // The end of the connection is the end of the body only when TLS says so.
        ("HTTP/1.1 200 OK\r\n\r\nabc", .cut, "200 cut broken"),
        ("HTTP/1.0 200 OK\r\n\r\nabc", .cut, "200 cut broken"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", .cut, "200 abc"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer 1\r\n\r\n", .keepOpen, "200 cut broken"),
        ("HTTP/1.1 204 No Content\r\n\r\n", .keepOpen, "204 "),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            .keepOpen, "200 ok"
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n", .keepOpen,
            "200 abc"
        ),
        ("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", .keepOpen, "500 oops"),
        ("HTTP/1.1 302 Found\r\nLocation: https://localhost/elsewhere\r\nContent-Length: 0\r\n\r\n", .keepOpen, "302 "),
        ("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n", .keepOpen, "401 "),
    ])
    func bodies(_ answer: String, _ end: Reply.End, _ expected: String) async throws {
        try await ScriptedTenant.with(.each { $0 == 1 ? Reply(answer, end) : .ok("fine") }) { tenant in
            try await withClient(of: tenant) { client in
                expect(await client.exchange(), expected)
                // Until it is known, a request on it is a request that is lost.
                if end != .keepOpen { await tenant.closed.wait() }
                expect(await client.exchange(), "200 fine")
                #expect(tenant.requests.count == 2)
            }
        }
    }

    @Test func surplusBytesAreDroppedAndTheConnectionIsNotUsedAgain() async throws {
        let surplus = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"
        try await ScriptedTenant.with(.each { $0 == 1 ? Reply(surplus) : .ok("fine") }) { tenant in
            try await withClient(of: tenant) { client in
                expect(await client.exchange(), "200 ok")
                expect(await client.exchange(), "200 fine")
            }
        }
    }

    /// What has been taken from the system and is not read yet shows on no socket.
    @Test func manyRecordsThatComeTogether() async throws {
        let script = ScriptedTenant.Script.each { _ in
            var reply = Reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            reply.records = Array(repeating: bytes("a"), count: 100)
            return reply
        }
        try await ScriptedTenant.with(script) { tenant in
            try await withClient(of: tenant) { client in
                for _ in 0..<2 { expect(await client.exchange(), "200 " + String(repeating: "a", count: 100)) }
                #expect(tenant.connections == 1)
            }
        }
    }

    @Test func aSurplusAnswerInARecordOfItsOwn() async throws {
        let script = ScriptedTenant.Script.each { number in
            guard number == 1 else { return .ok("fine") }
            var reply = Reply.ok("good")
            reply.records = [bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")]
            return reply
        }
        try await ScriptedTenant.with(script) { tenant in
            try await withClient(of: tenant) { client in
                expect(await client.exchange(), "200 good")
                expect(await client.exchange(), "200 fine")
            }
        }
    }

    @Test func trailersComeWithTheEnd() async throws {
        let answer =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-One: 1\r\nx-two:  2 \r\n\r\n"
        try await ScriptedTenant.with(.each { $0 == 1 ? Reply(answer) : .ok() }) { tenant in
            try await withClient(of: tenant) { client in
                let response = try await client.send(.sample())
                #expect(try await response.body.collect(upTo: 10) == bytes("a"))
                #expect(response.body.trailers == HeaderFields(["X-One": "1", "x-two": "2"]))
                let next = try await client.send(.sample())
                _ = try await next.body.collect(upTo: 10)
                #expect(next.body.trailers.count == 0)
            }
        }
    }

    @Test func fieldsAndBytesComeAsTheyAre() async throws {
        let body: [UInt8] = [0x1F, 0x8B, 0, 0xFF, 0x0D, 0x0A] + Array(0...255)
        let head =
            bytes("HTTP/1.1 200 Very OK\r\nContent-Encoding: gzip\r\nSET-COOKIE: a=b\r\nset-cookie: c=d\r\nX-Latin: ")
            + [0xE9]
        let answer = head + bytes("\r\nContent-Length: \(body.count)\r\n\r\n") + body
        try await ScriptedTenant.with(.each { _ in Reply(bytes: answer) }) { tenant in
            try await withClient(of: tenant) { client in
                let response = try await client.send(.sample())
                #expect(response.fields.line(0).elementsEqual(bytes("Content-Encoding: gzip")))
                #expect(response.fields.line(1).elementsEqual(bytes("SET-COOKIE: a=b")))
                #expect(response.fields.line(3).elementsEqual(bytes("X-Latin: ") + [0xE9]))
                #expect(try await response.body.collect(upTo: 1000) == body)
                // The cookie was not kept.
                _ = await client.exchange()
                #expect(!text(tenant.requests[1]).lowercased().contains("cookie"))
            }
        }
    }
}
