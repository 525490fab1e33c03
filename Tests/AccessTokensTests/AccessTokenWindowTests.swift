// When an access token may be used and when it is renewed: every order of events, time passed in.

import AccessTokens
import Model
import TestSupport
import Testing

struct AccessTokenWindowTests {
    typealias Use = AccessTokenWindow.Use
    private let start = ContinuousClock.now
    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .milliseconds(Int(seconds * 1000)) }

    private func window(life: Int, jitter: Double = 0) throws -> AccessTokenWindow {
        var window = AccessTokenWindow()
        window.fetched(try .sample("A"), life: .seconds(life), at: start, jitter: jitter)
        return window
    }

    @Test func anEmptyWindowFetchesAtOnce() {
        let window = AccessTokenWindow()
        #expect(window.use(at: start) == .fetch(fallback: nil))
        #expect(window.nextFetch.map { $0 <= .now } == true)
    }

    @Test func aLongLife() throws {
        let window = try window(life: 1800)
        let token = try SecretText.sample("A")
        // Renewed in the background from 70 % on; callers wait for it in the last 60 s; an ended one is never given out.
        #expect(window.nextFetch == at(1260))
        #expect(window.use(at: at(1739)) == .token(token))
        #expect(window.use(at: at(1740)) == .fetch(fallback: token))
        #expect(window.use(at: at(1799.9)) == .fetch(fallback: token))
        #expect(window.use(at: at(1800)) == .fetch(fallback: nil))
    }

    @Test func aShortLifeHasATenthAsItsEdge() throws {
        let window = try window(life: 10)
        #expect(window.nextFetch == at(7))
        #expect(window.use(at: at(8.9)) == .token(try .sample("A")))
        #expect(window.use(at: at(9)) == .fetch(fallback: try .sample("A")))
    }

    @Test func jitterSpreadsTheRenewals() throws {
        #expect(try window(life: 1800, jitter: 1).nextFetch == at(1440))
        #expect(try window(life: 1800, jitter: 0.5).nextFetch == at(1350))
    }

    @Test func aTokenWithoutAnEnd() throws {
        var window = AccessTokenWindow()
        window.fetched(try .sample("A"), life: nil, at: start, jitter: 0)
        #expect(window.use(at: at(1e9)) == .token(try .sample("A")))
        #expect(window.nextFetch == nil)
    }

    @Test func failuresBackOffFromOneSecondToAMinute() {
        var window = AccessTokenWindow()
        for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            window.fetchFailed(at: start, jitter: 0)
            #expect(window.use(at: at(0)) == .hold(fallback: nil, until: at(Double(pause))))
            #expect(window.nextFetch == at(Double(pause)))
        }
        window.fetchFailed(at: start, jitter: 1)
        #expect(window.nextFetch == at(30))
        #expect(window.use(at: at(30)) == .fetch(fallback: nil))
    }

    @Test func theOldTokenServesWhileRenewalsFail() throws {
        var window = try window(life: 1800)
        window.fetchFailed(at: at(1750), jitter: 0)
        #expect(window.use(at: at(1750.5)) == .hold(fallback: try .sample("A"), until: at(1751)))
        window.fetchFailed(at: at(1799), jitter: 0)
        #expect(window.use(at: at(1800)) == .hold(fallback: nil, until: at(1801)))
        window.fetched(try .sample("B"), life: .seconds(60), at: at(1801), jitter: 0)
        #expect(window.use(at: at(1801)) == .token(try .sample("B")))
        // A success ends the back-off.
        window.fetchFailed(at: at(1810), jitter: 0)
        #expect(window.nextFetch == at(1843))
    }

    @Test func aRefusalDropsExactlyTheTokenThatWasSent() throws {
        var window = try window(life: 1800)
        window.refused(try .sample("OLD"))
        #expect(window.use(at: at(1)) == .token(try .sample("A")))
        window.refused(try .sample("A"))
        #expect(window.use(at: at(1)) == .fetch(fallback: nil))
    }

    @Test func aRefusalDuringABackOffHolds() throws {
        var window = try window(life: 1800)
        window.fetchFailed(at: at(1), jitter: 0)
        window.refused(try .sample("A"))
        #expect(window.use(at: at(1.5)) == .hold(fallback: nil, until: at(2)))
    }
}
