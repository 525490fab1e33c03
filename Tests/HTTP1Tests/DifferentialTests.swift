// What is accepted here, NIOHTTP1 accepts with the same meaning.

import HTTP1
import Model
import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestSupport
import Testing

struct DifferentialTests {
    /// llhttp's reading of the same bytes, in the words of `reading`.
    private func nioReading(_ request: [UInt8]) -> [String] {
        let channel = EmbeddedChannel(
            handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        var (lines, body): ([String], [UInt8]) = ([], [])
        func take() throws {
            while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                switch part {
                case .head(let head):
                    let length =
                        head.headers.contains(name: "transfer-encoding")
                        ? "chunked" : head.headers.first(name: "content-length") ?? "0"
                    lines.append(
                        "\(head.method.rawValue) \(head.uri) \(head.version.major).\(head.version.minor) \(Int(length).map(String.init) ?? length) \(texts(head.headers))"
                    )
                case .body(let buffer): body += Array(buffer.readableBytesView)
                case .end(let trailers):
                    if !body.isEmpty { lines.append("body \(text(body))") }
                    body = []
                    lines.append("end \(texts(trailers ?? [:]))")
                }
            }
        }
        do {
            try channel.writeInbound(ByteBuffer(bytes: request))
            try take()
        } catch {
            try? take()
            lines.append("malformed")
        }
        _ = try? channel.finish()
        return lines
    }

    /// NIO leaves white space behind a value.
    private func texts(_ headers: HTTPHeaders) -> [String] {
        headers.map { "\($0): \(text(ASCII.trimmed(Array($1.utf8)[...])))" }
    }

    /// Requests that are nearly right: a good one, changed in a few places.
    private static let seeds = [
        "GET /a?b=c HTTP/1.1\r\nHost: localhost\r\nX-One: two three\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;n=v\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-T: y\r\n\r\n",
        "DELETE /a HTTP/1.0\r\nConnection: keep-alive\r\nAccept:\r\n\r\n",
    ].map { bytes($0) }
    private static let pieces = [
        "\r\n", "\n", "\r", " ", "\t", ":", ": ", ";", "0", "1", "f", "-", "+", "chunked", "gzip", ",", "\u{0}",
        "\u{7F}",
        "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding:chunked\r\n", "X: y\r\n",
        " X: y\r\n",
        "HTTP/1.1", "HTTP/1.0", "GET ", "\"", "=", "\u{FC}", "_", "%0d%0a",
    ].map { bytes($0) }

    @Test func whatIsAcceptedMeansTheSame() async {
        var generator = SeededGenerator(seed: 20_261_128)
        var (accepted, refused) = (0, 0)
        for round in 0..<60_000 {
            await letOthersGoOn(round)
            var request = Self.seeds.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let at = Int.random(in: 0...request.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: request.insert(contentsOf: Self.pieces.randomElement(using: &generator) ?? [], at: at)
                case 1 where at < request.count: request.remove(at: at)
                case 2 where at < request.count: request[at] = UInt8.random(in: 0...255, using: &generator)
                default:
                    let end = min(request.count, at + Int.random(in: 0...8, using: &generator))
                    request.insert(contentsOf: request[at..<end], at: at)
                }
            }
            let ours = reading([request])
            guard ours.last != "malformed", ours.last != "tooLarge", ours.last?.hasPrefix("end") == true else {
                refused += 1
                continue
            }
            accepted += 1
            let theirs = nioReading(request)
            #expect(Array(theirs.prefix(ours.count)) == ours, "\(text(request).debugDescription)")
        }
        #expect(accepted > 5_000 && refused > 5_000)
        print("differential: \(accepted) requests mean the same to NIOHTTP1, \(refused) were refused or had no end")
    }
}
