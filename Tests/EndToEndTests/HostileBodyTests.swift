// Bodies that are made to hurt: refused at once, without the memory that they ask for, and beside other callers.

import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct HostileBodyTests {
    private static let megabyte = 1 << 20

    /// Just within the limit of a body, each at least once for every way in which a reader can be made to work or to recurse.
    private static let bodies: [(name: String, body: [UInt8])] = [
        ("brackets", Array(repeating: UInt8(ascii: "["), count: megabyte)),
        ("brackets in a member", bytes(#"{"a":"#) + Array(repeating: UInt8(ascii: "["), count: megabyte - 5)),
        ("objects", repeated(#"{"a":"#)),
        ("a name twice, a hundred thousand times", bytes("{") + repeated(#""a":1,"#).dropLast(2) + bytes("}")),
        (
            "many names and the first again",
            bytes("{" + (0..<80_000).map { "\"\($0)\":0," }.joined() + #""0":0}"#)
        ),
        ("a lone surrogate at the end", bytes("{\"a\":\"") + fill(UInt8(ascii: "x")) + bytes(#"\ud800"}"#)),
        ("no UTF-8 at the end", bytes("{\"a\":\"") + fill(UInt8(ascii: "x")) + [0xFF] + bytes("\"}")),
        ("a string without end", bytes("{\"a\":\"") + fill(UInt8(ascii: "x"))),
        ("escapes without end", bytes("{\"a\":\"") + repeated(#"\\"#).dropLast(8)),
        ("a number without end", bytes("{\"a\":") + fill(UInt8(ascii: "1")) + bytes("e")),
        ("blanks", fill(UInt8(ascii: " "))),
        ("zeros", fill(0)),
    ]

    private static func fill(_ byte: UInt8) -> [UInt8] { Array(repeating: byte, count: megabyte - 64) }
    private static func repeated(_ text: String) -> [UInt8] {
        bytes(String(repeating: text, count: (megabyte - 16) / text.utf8.count))
    }

    @Test func hostileBodiesCostLittle() async throws {
        try await Tenant.with { tenant in
            _ = try await Sidecar.with(Sidecar.settings(tenant)) { sidecar in
                _ = try await sidecar.post("/api/v2/sdk/login", #"{"user_name":"alice","password":"demo-password"}"#)
                // A few rounds let buffers reach the size that they keep.
                for _ in 0..<3 { try await round(sidecar) }
                let before = try sidecar.program.footprint()
                for _ in 0..<5 { try await round(sidecar) }
                let after = try sidecar.program.footprint()
                #expect(after.resident - before.resident < 16 * 1024, "KiB: \(before.resident) to \(after.resident)")
                #expect(after.threads <= before.threads + 1)
                let honest = try await sidecar.post("/api/v2/tenant/sso/session-token/sso-ticket")
                #expect(honest.status == 200)
            }
            #expect(try await tenant.received().map(\.outcome).filter { $0 != "token" } == ["login", "ticket"])
        }
    }

    /// Each on a connection of its own, all at the same time.
    private func round(_ sidecar: Sidecar) async throws {
        try await withThrowingTaskGroup(of: (String, Int, String).self) { group in
            for (name, body) in Self.bodies {
                group.addTask {
                    let answer = try await KeepAliveClient.with(port: sidecar.port) {
                        try await $0.send(
                            "POST", "/api/v2/tenant/sso/session-token/refresh", user: "alice", body: body)
                    }
                    return (name, answer.status, text(answer.body))
                }
            }
            for try await (name, status, body) in group {
                #expect(status == 400 && body.contains("SIDECAR.BODY_INVALID"), "\(name): \(status) \(body)")
            }
        }
    }
}
