// HTTP/1.1 as bytes.

internal import HTTP1
internal import Model
internal import TestSupport

extension Benchmark {
    static let body =
        #"{"user":"user-000001","action":"transfer","amount":1001,"currency":"EUR","note":"legacy app request body","items":[1,2,3],"nested":{"a":true,"b":null}}"#

    static let wire = [
        Benchmark("request read (head and 150 bytes of JSON)", rounds: 100_000) { _ in
            let request = bytes(
                "POST /api/v2/tenant/sso/session-token/sso-ticket HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Sidecar-User: user-000001\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\nAccept: application/json\r\nUser-Agent: legacy-app/1.0\r\n\r\n\(body)"
            )
            return { rounds in
                var reader = RequestReader()
                for _ in 0..<rounds {
                    reader.append(request)
                    var parts = 0
                    while try reader.next() != nil { parts += 1 }
                    try check(parts == 3, "\(parts) parts of a request")
                }
            }
        },
        Benchmark("answer read (head and 130 bytes of JSON)", rounds: 100_000) { _ in
            let answer = bytes(
                "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Fri, 01 Jan 2027 00:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: 130\r\nConnection: keep-alive\r\n\r\n"
                    + String(repeating: "x", count: 130))
            return { rounds in
                for _ in 0..<rounds {
                    var reader = AnswerReader(isHead: false)
                    var position = 0
                    while let part = try reader.next(answer, &position, upTo: answer.count), part != .end {}
                    try check(position == answer.count && reader.keepsConnection, "an answer was not read")
                }
            }
        },
    ]
}
