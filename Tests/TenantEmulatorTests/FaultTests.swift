// Which request a fault meets, how often, and how faults are spelled; and the request log.
import Testing

@testable import TenantEmulator

struct FaultTests {
    private static func fault(_ text: String) throws -> Fault {
        try Fault(id: 1, json: try JSONReading.object(Array(text.utf8)))
    }

    private static let post = ReceivedRequest(method: "POST", target: "/api/v2/sdk/login?a")

    @Test func aFaultFiresAsOftenAsItSays() throws {
        var faults = FaultList()
        faults.add(try Self.fault(#"{"kind":"reset-before","count":2}"#))
        #expect(faults.fire(for: Self.post, user: nil)?.kind == .resetBefore)
        #expect(faults.fire(for: Self.post, user: nil) != nil)
        #expect(faults.fire(for: Self.post, user: nil) == nil)
        faults.add(try Self.fault(#"{"kind":"hold","count":-1}"#))
        for _ in 0..<100 { #expect(faults.fire(for: Self.post, user: nil)?.kind == .hold) }
        faults.clear()
        #expect(faults.fire(for: Self.post, user: nil) == nil)
    }

    @Test func selectorsAllHaveToMatch() throws {
        let text = #"{"kind":"hold","method":"POST","path":"/api/v2/sdk/","user":"alice"}"#
        let fault = try Self.fault(text)
        #expect(fault.matches(Self.post, user: "alice"))
        #expect(!fault.matches(Self.post, user: "bob"))
        #expect(!fault.matches(Self.post, user: nil))
        #expect(!fault.matches(ReceivedRequest(method: "GET", target: "/api/v2/sdk/login"), user: "alice"))
        #expect(!fault.matches(ReceivedRequest(method: "POST", target: "/api/v2/tenant/x"), user: "alice"))
    }

    @Test func theOldestMatchingFaultIsMet() throws {
        var faults = FaultList()
        faults.add(try Self.fault(#"{"kind":"hold","path":"/other"}"#))
        faults.add(try Self.fault(#"{"kind":"status","status":503,"retry_after":2}"#))
        faults.add(try Self.fault(#"{"kind":"reset-after"}"#))
        let expected = Fault.Kind.status(.init(status: 503, body: nil, retryAfter: "2"))
        #expect(faults.fire(for: Self.post, user: nil)?.kind == expected)
        #expect(faults.fire(for: Self.post, user: nil)?.kind == .resetAfter)
    }

    @Test(arguments: [
        #"{"kind":"sleep"}"#, #"{"count":1}"#, #"{"kind":"delay"}"#, #"{"kind":"hold","count":0}"#,
        #"{"kind":"hold","pth":"/x"}"#, #"{"kind":"status","status":99}"#, #"{"kind":"hold","user":5}"#,
        #"{"kind":"hold","if_client_gone":"maybe"}"#,
    ])
    func whatIsNotUnderstoodIsRefused(text: String) {
        #expect(throws: Fault.Unreadable.self) { try Self.fault(text) }
    }

    @Test func theLogKeepsTheLatestInOrder() {
        var log = RequestLog(capacity: 3)
        for number in 1...5 { log.add(RequestRecord(number: number, request: Self.post)) }
        log.note(4) { $0.outcome = "noted" }
        log.note(1) { $0.outcome = "forgotten" }
        #expect(log.records(after: nil, limit: 10).map(\.number) == [3, 4, 5])
        #expect(log.records(after: 3, limit: 1).map(\.number) == [4])
        #expect(log.records(after: nil, limit: 1).map(\.number) == [5])
        #expect(log.record(4)?.outcome == "noted")
        log.isOn = false
        log.add(RequestRecord(number: 6, request: Self.post))
        log.isOn = true
        log.add(RequestRecord(number: 7, request: Self.post))
        #expect(log.records(after: nil, limit: 10).map(\.number) == [4, 5, 7])
        #expect(log.record(5)?.number == 5 && log.record(6) == nil)
    }
}
