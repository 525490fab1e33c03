// Where held requests wait until a test releases them, and where a test waits until enough are held.
import NIOConcurrencyHelpers
import NIOCore

final class ParkingLot: Sendable {
    private struct Watcher {
        let atLeast: Int
        let promise: EventLoopPromise<Int>
    }

    private struct State {
        var parked: [EventLoopPromise<Void>] = []
        var watchers: [Int: Watcher] = [:]
        var watchersEver = 0
        var isOpen = true
    }

    private let state = NIOLockedValueBox(State())

    /// Succeeds once released; at once when the emulator is stopping.
    func park(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        let (isOpen, count, satisfied) = state.withLockedValue { state -> (Bool, Int, [Watcher]) in
            guard state.isOpen else { return (false, 0, []) }
            state.parked.append(promise)
            let count = state.parked.count
            let satisfied = state.watchers.filter { $0.value.atLeast <= count }
            for key in satisfied.keys { state.watchers[key] = nil }
            return (true, count, Array(satisfied.values))
        }
        if !isOpen { promise.succeed() }
        for watcher in satisfied { watcher.promise.succeed(count) }
        return promise.futureResult
    }

    /// How many were let go, once every one of them has gone on.
    func release(on loop: any EventLoop) -> EventLoopFuture<Int> {
        let released = letGo()
        // Whoever parked asked first, so it has been called before this future completes.
        return EventLoopFuture.andAllComplete(released, on: loop).map { released.count }
    }

    private func letGo() -> [EventLoopFuture<Void>] {
        let parked = state.withLockedValue { state in
            defer { state.parked.removeAll() }
            return state.parked
        }
        for promise in parked { promise.succeed() }
        return parked.map(\.futureResult)
    }

    var count: Int {
        state.withLockedValue { $0.parked.count }
    }

    /// How many are parked as soon as that is `atLeast`, or when the time is over.
    func wait(atLeast: Int, timeout: TimeAmount, on loop: any EventLoop) -> EventLoopFuture<Int> {
        let promise = loop.makePromise(of: Int.self)
        let (key, count) = state.withLockedValue { state -> (Int?, Int) in
            let count = state.parked.count
            guard count < atLeast, state.isOpen else { return (nil, count) }
            state.watchersEver += 1
            state.watchers[state.watchersEver] = Watcher(atLeast: atLeast, promise: promise)
            return (state.watchersEver, count)
        }
        guard let key else {
            promise.succeed(count)
            return promise.futureResult
        }
        let timer = loop.scheduleTask(in: timeout) { self.giveUp(key) }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    private func giveUp(_ key: Int) {
        let (watcher, count) = state.withLockedValue { ($0.watchers.removeValue(forKey: key), $0.parked.count) }
        watcher?.promise.succeed(count)
    }

    /// Releases everything and parks nothing from now on.
    func close() {
        let (watchers, count) = state.withLockedValue { state -> ([Watcher], Int) in
            state.isOpen = false
            defer { state.watchers.removeAll() }
            return (Array(state.watchers.values), state.parked.count)
        }
        for watcher in watchers { watcher.promise.succeed(count) }
        _ = letGo()
    }
}
