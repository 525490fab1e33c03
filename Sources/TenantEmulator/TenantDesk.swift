// The one lock: rules, faults and log behind it, the clock in front of it.
import NIOConcurrencyHelpers
import NIOCore

/// Shared by every connection. Nothing waits while it holds the lock.
final class TenantDesk: Sendable {
    struct State {
        var rules: TenantRules
        var faults = FaultList()
        var faultsEver = 0
        var log = RequestLog()
        var requestsEver = 0
        /// Every answer says `Connection: close` (HTTP/1.1).
        var closesConnections = false
    }

    let parking = ParkingLot()
    let envelopes: EnvelopeOpener
    private let state: NIOLockedValueBox<State>
    private let clock: WallClock
    private let logLine: (@Sendable (String) -> Void)?

    init(settings: TenantSettings, logLine: (@Sendable (String) -> Void)?) {
        let rules = TenantRules(settings: settings, seed: .random(in: 0...UInt64.max))
        self.envelopes = rules.envelopes
        self.state = NIOLockedValueBox(State(rules: rules))
        self.clock = WallClock()
        self.logLine = logLine
    }

    /// Time since 1970.
    var now: Duration { clock.now }

    /// For the control port.
    func withState<Result>(_ body: (inout State) -> Result) -> Result {
        state.withLockedValue(body)
    }

    func connectionOpened() {
        state.withLockedValue {
            $0.rules.counters.connectionsAccepted += 1
            $0.rules.counters.connectionsOpen += 1
        }
    }

    func connectionClosed() {
        state.withLockedValue { $0.rules.counters.connectionsOpen -= 1 }
    }

    /// Gives the request its number and the fault that meets it, if any.
    func arrived(_ call: TenantCall) -> (number: Int, fault: Fault?) {
        state.withLockedValue { state in
            state.requestsEver += 1
            let number = state.requestsEver
            state.rules.arrived(call, number: number)
            var fault: Fault?
            if !state.faults.armed.isEmpty {
                let user = state.faults.asksForUser ? state.rules.user(of: call) : nil
                fault = state.faults.fire(for: call.request, user: user)
            }
            if fault != nil { state.rules.counters.faultsFired += 1 }
            state.log.add(RequestRecord(number: number, request: call.request, fault: fault?.name))
            return (number, fault)
        }
    }

    func process(_ call: TenantCall, number: Int) -> TenantAnswer {
        let now = clock.now
        return state.withLockedValue { state in
            var answer = state.rules.process(call, now: now)
            state.log.note(number) {
                $0.outcome = answer.outcome
                $0.user = answer.user
                $0.generation = answer.generation
            }
            let time = wholeSeconds(now) + state.rules.settings.clockOffset
            answer.headers.append(HeaderField("Date", DateField.text(time)))
            if state.closesConnections {
                answer.headers.append(HeaderField("Connection", "close"))
            }
            return answer
        }
    }

    /// The last byte of the answer is about to leave (`status`), or there will be none (nil).
    func answered(number: Int, status: Int?, outcome: String? = nil) {
        let record = state.withLockedValue { state -> RequestRecord? in
            state.rules.answered(number: number)
            state.log.note(number) {
                $0.status = status
                if let outcome, $0.outcome == "pending" { $0.outcome = outcome }
            }
            return logLine == nil ? nil : state.log.record(number)
        }
        if let logLine, let record { logLine(record.line) }
    }
}
