// Deadlines: each at its time, none that was called off.

import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import Sessions

@Suite struct DeadlinesTests {
    private let deadlines = Deadlines()
    private let order = NIOLockedValueBox<[String]>([])

    private func set(_ name: String, after pause: Duration, _ gate: Gate? = nil) -> UInt64 {
        deadlines.set(.now + pause) { [order] in
            order.withLockedValue { $0.append(name) }
            gate?.signal()
        }
    }

    /// One that comes later and is due earlier is not kept waiting by the task that sleeps for the first.
    @Test func anEarlierOneIsNotKeptWaiting() async {
        let (first, past) = (Gate(), Gate())
        _ = set("in an hour", after: .seconds(3600))
        _ = set("first", after: .milliseconds(50), first)
        await first.wait()
        _ = set("past", after: .milliseconds(-1), past)
        await past.wait()
        #expect(order.withLockedValue { $0 } == ["first", "past"])
    }

    @Test func whatIsCalledOffDoesNotHappen() async {
        let last = Gate()
        let never = set("never", after: .milliseconds(50))
        _ = set("last", after: .milliseconds(200), last)
        deadlines.callOff(never)
        await last.wait()
        #expect(order.withLockedValue { $0 } == ["last"])
        // It sleeps again after a time when there was nothing to wait for.
        let again = Gate()
        _ = set("again", after: .milliseconds(50), again)
        await again.wait()
    }

    @Test func manyAtOnce() async {
        let over = Gate()
        for number in 0..<1000 { _ = set("\(number)", after: .milliseconds(number % 20)) }
        _ = set("over", after: .milliseconds(300), over)
        await over.wait()
        #expect(order.withLockedValue { Set($0).count } == 1001)
    }
}
