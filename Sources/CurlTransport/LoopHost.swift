// Where the loop runs: on an event loop, between that one's other work.

internal import Model
internal import NIOCore

/// Gives the loop its passes: when it is called, when a socket is ready, and when a time has come.
final class LoopHost: @unchecked Sendable {
    // Guarded by confinement: everything but `put` and `run` is used on the event loop.
    private let eventLoop: any EventLoop
    private let readiness: Readiness
    private let waiter: ReadinessWaiter
    private let inbox: LoopInbox
    private var loop: TransferLoop
    private var bell: Doorbell?
    /// The next moment at which the event loop will come back by itself.
    private var alarm: ContinuousClock.Instant?
    private var whenOver: (() -> Void)?
    private var isPassing = false
    /// A pass for commands, or a look after one, has found something that has come.
    private var hasFound = false
    private var isLookQueued = false
    /// Until the bell rings, which is in another turn of the event loop. What a look finds has rung it as well.
    private var looksLeft = mostLooks

    /// So many commands from the event loop itself are enough for a pass: more of them are no cheaper together, and what they are about
    /// leaves the processor's caches before it is used again.
    private static let portion = 16
    /// So often it is looked again in one turn: over a tenant that goes on talking, callers are not forgotten.
    private static let mostLooks = 8

    init(
        _ loop: TransferLoop, _ inbox: LoopInbox, _ readiness: Readiness, _ waiter: ReadinessWaiter,
        on eventLoop: any EventLoop
    ) {
        (self.loop, self.inbox, self.readiness) = (loop, inbox, readiness)
        (self.waiter, self.eventLoop) = (waiter, eventLoop)
    }

    /// Any thread. What comes before the next pass is done in it, together: requests that go out at once wake the tenant's side once. That
    /// pass is made at the end of the event loop's turn, or in here when there is enough for it.
    /// - Returns: false when the loop has ended and the command was not taken.
    func put(_ command: LoopCommand) -> Bool {
        guard let receipt = inbox.put(command) else { return false }
        if receipt.isFirst {
            eventLoop.execute { [self] in
                inbox.answer()
                if pass() { hasFound = true }
                lookAgain()
            }
        } else if receipt.count >= Self.portion, eventLoop.inEventLoop, !isPassing {
            if pass() { hasFound = true }
        }
        return true
    }

    /// When those who have been answered in this turn have gone on: answers to the last requests of the turn come meanwhile. Left for the
    /// next turn, they would come to callers whose next requests that turn does not see any more: each second one would take twice as
    /// long.
    private func lookAgain() {
        guard hasFound, looksLeft > 0, !isLookQueued else { return }
        isLookQueued = true
        eventLoop.execute { [self] in
            isLookQueued = false
            looksLeft -= 1
            hasFound = pass()
            lookAgain()
        }
    }

    /// Runs until the inbox is closed by a command and the last transfer has ended.
    /// - Returns: false when the system has no descriptor left.
    func run() async -> Bool {
        do {
            let hung = eventLoop.flatSubmit { [self] in
                Doorbell.hang(readiness.descriptor, on: eventLoop, waiter: waiter) { [self] in
                    (looksLeft, hasFound) = (Self.mostLooks, false)
                    // Otherwise there will be a pass for what has come, before the event loop waits again.
                    if !inbox.isCalled { pass() }
                }
            }
            let bell = try await hung.get()
            await withCheckedContinuation { continuation in
                eventLoop.execute { [self] in
                    self.bell = bell.value
                    whenOver = { continuation.resume() }
                    pass()
                }
            }
            return true
        } catch {
            // Whoever waits already is told.
            eventLoop.execute { [self] in loop.tearDown() }
            return false
        }
    }

    /// - Returns: whether something had come.
    @discardableResult private func pass() -> Bool {
        // Before it runs, and after its end, nobody is served.
        guard let bell else { return false }
        isPassing = true
        let next = loop.pass()
        isPassing = false
        switch next {
        case .wait(let moment):
            if let moment { setAlarm(moment) }
        case .goOn: bell.ring()
        case .over:
            end(bell)
            return false
        }
        bell.arm()
        return loop.hasFound
    }

    private func setAlarm(_ moment: ContinuousClock.Instant) {
        if let alarm, alarm <= moment { return }
        alarm = moment
        let wait = TimeAmount(moment - .now)
        eventLoop.assumeIsolated().scheduleTask(in: wait) { [self] in
            guard alarm == moment else { return }
            alarm = nil
            pass()
        }
    }

    private func end(_ bell: Doorbell) {
        self.bell = nil
        bell.takeDown()
        loop.tearDown()
        whenOver?()
        whenOver = nil
    }
}
