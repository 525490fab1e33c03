// Requests as bytes: whole, in pieces, and what is none.

import HTTP1
import Model
import TestSupport
import Testing

/// What a reader makes of bytes, as text: one line for each part, pieces of a body joined.
func reading(_ pieces: [[UInt8]]) -> [String] {
    var reader = RequestReader()
    var (lines, body): ([String], [UInt8]) = ([], [])
    func closeBody() {
        if !body.isEmpty { lines.append("body \(text(body))") }
        body = []
    }
    do throws(HTTP1Fault) {
        for piece in pieces {
            reader.append(piece)
            while let part = try reader.next() {
                switch part {
                case .head(let head):
                    let length = head.contentLength.map { "\($0)" } ?? "chunked"
                    lines.append(
                        "\(text(head.method)) \(text(head.target)) 1.\(head.isVersion10 ? 0 : 1) \(length) \(head.fields.texts)"
                    )
                case .body(let piece): body += piece
                case .end(let trailers):
                    closeBody()
                    lines.append("end \(trailers.texts)")
                }
            }
        }
        closeBody()
    } catch {
        closeBody()
        lines.append("\(error)")
    }
    return lines
}

struct RequestReaderTests {
    private static let good: [(request: String, parts: [String])] = [
        ("GET / HTTP/1.1\r\n\r\n", ["GET / 1.1 0 []", "end []"]),
        ("\r\nGET /a?b HTTP/1.0\r\nHost: x\r\n\r\n", [#"GET /a?b 1.0 0 ["Host: x"]"#, "end []"]),
        (
            "POST /a HTTP/1.1\r\nHost:x\r\nX-Empty:\r\nX-Wide:  \t a b \t\r\nContent-Length: 2\r\n\r\nhi",
            [#"POST /a 1.1 2 ["Host: x", "X-Empty: ", "X-Wide: a b", "Content-Length: 2"]"#, "body hi", "end []"]
        ),
        (
            "POST /a HTTP/1.1\r\nTransfer-Encoding: CHUNKED\r\n\r\n2;a=b;c=\"d e\"\r\nhi\r\n00A\r\n0123456789\r\n0\r\nX-T: ü\r\n\r\n",
            [
                #"POST /a 1.1 chunked ["Transfer-Encoding: CHUNKED"]"#, "body hi0123456789", #"end ["X-T: ü"]"#,
            ]
        ),
        (
            "PUT /1 HTTP/1.1\r\nContent-Length: 1\r\n\r\naDELETE /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n",
            [
                #"PUT /1 1.1 1 ["Content-Length: 1"]"#, "body a", "end []", "DELETE /2 1.1 0 []", "end []",
                "GET /3 1.1 0 []", "end []",
            ]
        ),
    ]

    @Test(arguments: good.indices)
    func requests(_ index: Int) {
        let (request, parts) = Self.good[index]
        #expect(reading([bytes(request)]) == parts)
        // However it comes.
        #expect(reading(bytes(request).map { [$0] }) == parts)
        for cut in 1..<request.utf8.count {
            let all = bytes(request)
            #expect(reading([Array(all[..<cut]), Array(all[cut...])]) == parts)
        }
    }

    private static let bad = [
        "GET  / HTTP/1.1\r\n\r\n", "GET /  HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n", "GET / HTTP/1.1\n\r\n",
        "GET\t/ HTTP/1.1\r\n\r\n", "get / HTTP/1.1\r\n\r\n", "GETX / HTTP/1.1\r\n\r\n", "GET / HTTP/1.10\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n", "GET / http/1.1\r\n\r\n", "GET /\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
        "GET /a#b HTTP/1.1\r\n\r\n", "GET /\u{7F} HTTP/1.1\r\n\r\n", "GET /ü HTTP/1.1\r\n\r\n",
        "\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", "\nGET / HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nX : y\r\n\r\n", "GET / HTTP/1.1\r\n X: y\r\n\r\n", "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", "GET / HTTP/1.1\r\nX: a\nY: b\r\n\r\n", "GET / HTTP/1.1\r\n: y\r\n\r\n",
        "GET / HTTP/1.1\r\nX\r\n\r\n", "GET / HTTP/1.1\r\nX: \u{0}\r\n\r\n", "GET / HTTP/1.1\r\nX: \u{7F}\r\n\r\n",
        "GET / HTTP/1.1\r\nÜ: y\r\n\r\n", "GET / HTTP/1.1\r\nX: y\r\n\n", "GET / HTTP/1.1\r\nX: y\r\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na",
        "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\na", "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ]

    @Test(arguments: bad)
    func refused(_ request: String) {
        #expect(reading([bytes(request)]) == ["malformed"])
        #expect(reading(bytes(request).map { [$0] }) == ["malformed"])
    }

    /// Of a value, whatever UTF-8 there is; nothing else.
    @Test func valuesAreUTF8() {
        let head = bytes("GET / HTTP/1.1\r\nX: ")
        #expect(reading([head + bytes("ü\u{FFFD}\u{1F600}\r\n\r\n")]).count == 2)
        for wrong: [UInt8] in [[0xE9], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3]] {
            #expect(reading([head + wrong + bytes("\r\n\r\n")]) == ["malformed"])
        }
    }

    private static let chunks = [
        "+2\r\nhi\r\n", "0x2\r\nhi\r\n", " 2\r\nhi\r\n", "2 \r\nhi\r\n", "2\nhi\r\n", "\r\nhi\r\n", "g\r\n", "2\r\nhiX",
        "2\r\nhi\n", "2\r\nhi\rX", "1000000000000000\r\nhi", "2;\r\nhi\r\n", "2;a=\r\nhi\r\n", "2;a=\"\r\nhi\r\n",
        "2;a=\"\\\"\"\r\nhi\r\n", "2; a\r\nhi\r\n", "2;a\u{0}\r\nhi\r\n", "2\rhi\r\n", "0\r\nX\r\n\r\n",
        "0\r\n X: y\r\n\r\n",
        "0\r\nX : y\r\n\r\n", "0\r\nX: y\n\r\n",
    ]

    @Test(arguments: chunks)
    func brokenChunks(_ chunks: String) {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(reading([bytes(head + chunks)]).last == "malformed")
        #expect(reading(bytes(head + chunks).map { [$0] }).last == "malformed")
    }

    /// What has no end is refused before it has become much.
    @Test func floods() {
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        for flood in [
            "GET /" + String(repeating: "a", count: 140_000),
            "GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 140_000),
            "GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 1001),
            "GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 1001) + "\r\n",
            chunked + "1;" + String(repeating: "x", count: 5000),
            chunked + String(repeating: "1;a=bcdefghijklmnopqrstuvwxyz\r\nh\r\n", count: 3000),
            chunked + "0\r\n" + String(repeating: "X: y\r\n", count: 101) + "\r\n",
            chunked + "0\r\nX: " + String(repeating: "a", count: 70_000) + "\r\n\r\n",
        ] {
            #expect(reading([bytes(flood)]).last == "tooLarge", "\(flood.prefix(60))")
        }
        let most = "GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 1000) + "\r\n"
        #expect(reading([bytes(most)]).count == 2)
    }

    /// What is no HTTP is refused at its first byte: nobody waits for the rest.
    @Test(arguments: [[0x16, 0x03, 0x01], [0x00], bytes("{"), bytes("get")])
    func anotherProtocol(_ start: [UInt8]) {
        #expect(reading([start]) == ["malformed"])
    }

    /// Nothing is read of the next request before it is wanted, and a fault stays one.
    @Test func oneAtATime() throws {
        var reader = RequestReader()
        reader.append(bytes("GET /1 HTTP/1.1\r\n\r\nnonsense\r\n\r\n"))
        for _ in 0..<2 { #expect(try reader.next() != nil) }
        #expect(reader.waiting == 12)
        for _ in 0..<2 { #expect(throws: HTTP1Fault.malformed) { try reader.next() } }
    }
}
