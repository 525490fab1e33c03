// How an event loop that cannot wait for libcurl's sockets itself learns that one of them is ready.

internal import CPoll
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Who waits for the sockets of connections to the tenant.
package enum ReadinessWaiter: Sendable {
    /// Linux (asynchronous I/O, since 4.19): no thread is woken. Where it cannot be had, the same as `thread`.
    case system
    /// A thread that does nothing else.
    case thread
}

/// SwiftNIO waits for what it reads itself; a list of sockets can be waited for and not read. Between them stands a counter (eventfd)
/// that SwiftNIO reads: whoever waits for the list counts it up. Used on the event loop.
final class Doorbell: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let list: Int32
    private let counter: Int32
    private var wishes: UInt = 0
    private var watcher: ListWatcher?
    /// Somebody waits for the list, as far as is known.
    private var isArmed = false
    /// The counter has been read since the last look at who waits.
    private var hasRung = false
    private var channel: (any Channel)?
    private let rung: () -> Void

    /// - Parameters:
    ///   - list: a list of sockets; it outlives the bell.
    ///   - rung: what is to be done when something in it is ready. Called on the event loop.
    private init(_ list: Int32, _ counter: Int32, _ waiter: ReadinessWaiter, _ rung: @escaping () -> Void) {
        (self.list, self.counter, self.rung) = (list, counter, rung)
        if waiter == .system { wishes = cpoll_wishes() }
    }

    /// Call it on the event loop.
    /// - Returns: a future that fails when the system has no descriptor left.
    static func hang(
        _ list: Int32, on eventLoop: any EventLoop, waiter: ReadinessWaiter, rung: @escaping () -> Void
    ) -> EventLoopFuture<NIOLoopBound<Doorbell>> {
        let counter = cpoll_counter(0)
        guard counter >= 0 else { return eventLoop.makeFailedFuture(IOError(errnoCode: -counter, reason: "eventfd")) }
        let bell = Doorbell(list, counter, waiter, rung)
        let bound = NIOLoopBound(bell, eventLoop: eventLoop)
        return NIOPipeBootstrap(group: eventLoop)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    bound.value.channel = channel
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .takingOwnershipOfDescriptor(input: counter)
            .map { _ in bound }
            .flatMapErrorThrowing { error in
                // A channel that was made has closed it.
                if bound.value.channel == nil { cpoll_close(counter) }
                bound.value.takeDown()
                throw error
            }
    }

    /// From now on it rings, once, when something in the list is ready; at once when something is.
    func arm() {
        if isArmed {
            guard hasRung else { return }
            hasRung = false
            // Rung by hand: whoever waits waits on.
            guard hasWaited() else { return }
        }
        isArmed = true
        if wishes != 0 {
            if cpoll_wish(wishes, list, counter) == 0 { return }
            cpoll_forget(wishes)
            wishes = 0
        }
        if watcher == nil { watcher = ListWatcher.start(list, counter) }
        guard let watcher else {
            isArmed = false
            return
        }
        watcher.arm()
    }

    private func hasWaited() -> Bool {
        if wishes != 0 {
            let came = cpoll_came_true(wishes)
            if came >= 0 { return came > 0 }
            // Nobody would know when the next one may be made.
            cpoll_forget(wishes)
            wishes = 0
            return true
        }
        return watcher?.isArmed == false
    }

    /// Rings when the event loop has looked at what else is ready.
    func ring() { cpoll_count(counter, 1) }

    func takeDown() {
        if wishes != 0 { cpoll_forget(wishes) }
        watcher?.end()
        channel?.close(promise: nil)
        channel = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasRung = true
        rung()
    }
}

/// A thread that waits for a list of sockets when it is told to, and counts up a counter when something in it is ready.
private final class ListWatcher: Sendable {
    private let list: Int32
    private let counter: Int32
    private let orders: Int32
    private let armed = Atomic<Bool>(false)

    private static let end: UInt64 = 1 << 32

    /// - Returns: nil when the system has no descriptor or no thread left.
    static func start(_ list: Int32, _ counter: Int32) -> ListWatcher? {
        // Of its own: they are used until the thread has ended.
        let (list, counter, orders) = (cpoll_copy(list), cpoll_copy(counter), cpoll_counter(1))
        let watcher = ListWatcher(list, counter, orders)
        guard list >= 0, counter >= 0, orders >= 0, WatcherThread.run({ watcher.wait() }) else {
            for descriptor in [list, counter, orders] where descriptor >= 0 { cpoll_close(descriptor) }
            return nil
        }
        return watcher
    }

    private init(_ list: Int32, _ counter: Int32, _ orders: Int32) {
        (self.list, self.counter, self.orders) = (list, counter, orders)
    }

    var isArmed: Bool { armed.load(ordering: .acquiring) }

    func arm() {
        armed.store(true, ordering: .releasing)
        cpoll_count(orders, 1)
    }

    func end() { cpoll_count(orders, Self.end) }

    private func wait() {
        while cpoll_counted(orders) < Self.end {
            cpoll_wait(list, orders)
            armed.store(false, ordering: .releasing)
            cpoll_count(counter, 1)
        }
        for descriptor in [list, counter, orders] { cpoll_close(descriptor) }
    }
}
