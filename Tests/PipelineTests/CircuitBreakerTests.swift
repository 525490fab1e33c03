// When requests go out to a tenant that fails, and when again.

import Model
import Pipeline
import Telemetry
import TestSupport
import Testing

struct CircuitBreakerTests {
    private typealias Outcome = CircuitBreaker.Outcome
    private let start = ContinuousClock.now

    private func failed(_ times: Int, _ breaker: inout CircuitBreaker, at now: ContinuousClock.Instant) {
        for _ in 0..<times { breaker.ended(breaker.ask(at: now), .failure, at: now, jitter: 0.5) }
    }

    @Test func itOpensAfterFailuresInARowAndOnlyThen() {
        var breaker = CircuitBreaker()
        failed(CircuitBreaker.failures - 1, &breaker, at: start)
        // Random numbers cost a call of the system each: only what opens the circuit asks for one.
        func notAsked() -> Double {
            Issue.record("the jitter was asked for")
            return 0
        }
        breaker.ended(.go, .success, at: start, jitter: notAsked())
        failed(CircuitBreaker.failures - 1, &breaker, at: start)
        breaker.ended(.go, .neither, at: start, jitter: 0.5)
        #expect(breaker.ask(at: start) == .go && !breaker.isOpen)
        failed(1, &breaker, at: start)
        #expect(breaker.ask(at: start) == .stay(.seconds(1)) && breaker.isOpen)
    }

    @Test func oneTriesAfterThePauseAndTheOthersWait() {
        var breaker = CircuitBreaker()
        failed(CircuitBreaker.failures, &breaker, at: start)
        #expect(breaker.ask(at: start + .milliseconds(999)) == .stay(.milliseconds(1)))
        #expect(breaker.ask(at: start + .seconds(1)) == .trial)
        #expect(breaker.ask(at: start + .seconds(1)) == .stay(.seconds(1)))
        breaker.ended(.trial, .success, at: start + .seconds(1), jitter: 0.5)
        #expect(breaker.ask(at: start + .seconds(1)) == .go)
    }

    @Test func thePauseDoublesUpToItsLongest() {
        var breaker = CircuitBreaker()
        var now = start
        failed(CircuitBreaker.failures, &breaker, at: now)
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            #expect(breaker.ask(at: now) == .stay(.seconds(pause)))
            now += .seconds(pause)
            #expect(breaker.ask(at: now) == .trial)
            breaker.ended(.trial, .failure, at: now, jitter: 0.5)
        }
    }

    /// A long upload may be the one that tries.
    @Test func aTrialThatTakesLongIsNotTheOnlyOne() {
        var breaker = CircuitBreaker()
        failed(CircuitBreaker.failures, &breaker, at: start)
        let begun = start + .seconds(1)
        #expect(breaker.ask(at: begun) == .trial)
        #expect(breaker.ask(at: begun + CircuitBreaker.patience - .milliseconds(1)) == .stay(.seconds(1)))
        #expect(breaker.ask(at: begun + CircuitBreaker.patience) == .trial)
        breaker.ended(.trial, .success, at: begun + CircuitBreaker.patience, jitter: 0.5)
        breaker.ended(.trial, .failure, at: begun + .seconds(60), jitter: 0.5)
        #expect(breaker.ask(at: begun + .seconds(60)) == .go)
    }

    /// A trial whose caller went away says nothing: the next request tries at once.
    @Test func aTrialThatSaysNothingIsFollowedByAnother() {
        var breaker = CircuitBreaker()
        failed(CircuitBreaker.failures, &breaker, at: start)
        #expect(breaker.ask(at: start + .seconds(1)) == .trial)
        breaker.ended(.trial, .neither, at: start + .seconds(1), jitter: 0.5)
        #expect(breaker.ask(at: start + .seconds(1)) == .trial)
    }

    /// What was sent before it opened neither closes it nor makes the pause longer.
    @Test func lateAnswersDoNotCount() {
        var breaker = CircuitBreaker()
        failed(CircuitBreaker.failures, &breaker, at: start)
        breaker.ended(.go, .success, at: start, jitter: 0.5)
        breaker.ended(.go, .failure, at: start, jitter: 0.5)
        #expect(breaker.ask(at: start) == .stay(.seconds(1)))
        #expect(breaker.ask(at: start + .seconds(1)) == .trial)
        breaker.ended(.go, .success, at: start + .seconds(1), jitter: 0.5)
        #expect(breaker.ask(at: start + .seconds(1)) == .stay(.seconds(1)))
    }

    @Test func jitterSpreadsTheTrials() {
        for (jitter, pause) in [(0.0, Duration.milliseconds(800)), (0.5, .seconds(1))] {
            var breaker = CircuitBreaker()
            for _ in 0..<CircuitBreaker.failures { breaker.ended(.go, .failure, at: start, jitter: jitter) }
            #expect(breaker.ask(at: start) == .stay(pause))
        }
    }

    private func send(_ transport: BreakingTransport) async -> String {
        let request = UpstreamRequest(
            method: bytes("GET"), target: bytes("/"), fields: HeaderFields(), body: .none, timeout: .seconds(1))
        do throws(TransportError) { return "\(try await transport.send(request).status)" } catch {
            return error.reason.rawValue + (error.retryAfter == nil ? "" : " later")
        }
    }

    /// Errors of the tenant count, its refusals do not, and nothing is sent while it is open.
    @Test(arguments: [500, 503])
    func answersThatCount(_ status: Int) async {
        let changes = Gate()
        let failing = ScriptedTransport { (_, _) throws(TransportError) in .json("{}", status: status) }
        let metrics = SidecarMetrics()
        let transport = BreakingTransport(failing, metrics: metrics) { isOpen in if isOpen { changes.signal() } }
        for _ in 0..<CircuitBreaker.failures { #expect(await send(transport) == "\(status)") }
        #expect(await send(transport) == "suspended later")
        #expect(failing.requests.count == CircuitBreaker.failures && changes.count == 1)
        let page = metrics.registry.prometheusText
        #expect(page.contains("\nsidecar_upstream_errors_total{reason=\"suspended\"} 1\n"))
        #expect(page.contains("\nsidecar_upstream_duration_seconds_count \(CircuitBreaker.failures)\n"))
    }

    @Test(arguments: [200, 302, 400, 401, 404, 429])
    func answersThatDoNot(_ status: Int) async {
        let working = ScriptedTransport { (_, _) throws(TransportError) in .json("{}", status: status) }
        let transport = BreakingTransport(working, metrics: SidecarMetrics())
        for _ in 0..<3 * CircuitBreaker.failures { #expect(await send(transport) == "\(status)") }
    }

    @Test(arguments: [
        (TransportError.Reason.unreachable, true), (.connectTimeout, true), (.tls, true), (.broken, true),
        (.timeout, true),
        (.requestBody, false), (.cancelled, false), (.closed, false),
    ])
    func failuresThatCount(_ reason: TransportError.Reason, _ counts: Bool) async {
        let failing = ScriptedTransport { (_, _) throws(TransportError) in
            throw TransportError(reason, maybeSent: false)
        }
        let metrics = SidecarMetrics()
        let transport = BreakingTransport(failing, metrics: metrics)
        for _ in 0..<CircuitBreaker.failures { #expect(await send(transport) == reason.rawValue) }
        #expect(
            metrics.registry.prometheusText.contains(
                "\nsidecar_upstream_errors_total{reason=\"\(reason.rawValue)\"} \(CircuitBreaker.failures)\n"))
        #expect(await send(transport) == (counts ? "suspended later" : reason.rawValue))
    }

    @Test func whatTheAppGets() async throws {
        let row = ProxyError(TransportError(.suspended, maybeSent: false, retryAfter: .milliseconds(1500))).row
        #expect(row.status == 503 && row.code == "UPSTREAM_DOWN" && row.retryAfter == 2)
    }

    // MARK: retries

    /// When nothing was sent it is tried once more; when something may have been, or the tenant is left alone, it is not.
    @Test(arguments: [
        (TransportError.Reason.unreachable, false, 2), (.broken, false, 2), (.broken, true, 1), (.timeout, true, 1),
        (.tls, false, 1), (.connectTimeout, false, 1), (.suspended, false, 1),
    ])
    func retries(_ reason: TransportError.Reason, _ maybeSent: Bool, _ expected: Int) async throws {
        let scene = try PipelineScene { (_, number) throws(TransportError) in
            if number == 1 { throw TransportError(reason, maybeSent: maybeSent) }
            return .json("{}")
        }
        let answer = await scene.call("/api/v2/tenant/users", "{}")
        #expect(scene.transport.requests.count == expected)
        #expect((answer.status == 200) == (expected == 2))
    }

    /// Ten to begin with, then one for ten requests.
    @Test func retriesAreATenthOfTheRequests() async throws {
        let scene = try PipelineScene { (_, _) throws(TransportError) in
            throw TransportError(.unreachable, maybeSent: false)
        }
        for _ in 0..<100 { #expect(await scene.call("/pass/x", "{}").status == 502) }
        #expect((115...122).contains(scene.transport.requests.count), "\(scene.transport.requests.count)")
    }
}
