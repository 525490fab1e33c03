// One local connection: one request at a time, each answered by a task on this event loop.

internal import Guard
internal import HTTP1
internal import Model
internal import NIOCore
internal import Pipeline

/// Turns what a caller says into requests for the pipeline and writes the answers. Everything but `respond` runs on the event loop.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    struct Current {
        let delivery: AnswerDelivery
        var body: BodyBridge { delivery.body }
        /// Nil until what has come of the request is read.
        var task: Task<Void, Never>?
        /// The request has come to its end.
        var isComplete = false
        /// Something of the answer has been written.
        var isAnswered = false
    }

    /// What timers hold of a connection; nothing once it is over. A weak reference would do the same, and make every use of the
    /// connection dearer.
    private final class TimerTarget { var connection: ConnectionHandler? }

    let pipeline: ProxyPipeline
    private let registry: ConnectionRegistry
    let limits: ConnectionLimits
    private let tasks: EventLoopTasks
    private let gate: RequestGate
    var current: Current?
    /// Keeps pipelined requests until the one before them is answered.
    private var reader = RequestReader()
    private var isReading = false
    var readHeld = false
    /// The last answer has been written; what still comes is thrown away.
    var isClosing = false
    var isDraining = false
    /// The bytes behind the request at work are no request.
    var isBroken = false
    /// Bytes of an answer wait for the caller to take them.
    var isFlushing = false
    private var deadline: NIODeadline = .distantFuture
    /// When `readParts` began what it is doing.
    private var readAt: NIODeadline = .distantPast
    /// Of the header that has begun to arrive; nil while none is expected.
    private var headerDeadline: NIODeadline?
    var context: ChannelHandlerContext?
    private let timerTarget = TimerTarget()
    /// The caller's address if it is not loopback.
    private var peer: [UInt8]?

    init(
        pipeline: ProxyPipeline, registry: ConnectionRegistry, gate: RequestGate, limits: ConnectionLimits,
        eventLoop: any EventLoop
    ) {
        (self.pipeline, self.registry, self.gate, self.limits) = (pipeline, registry, gate, limits)
        tasks = EventLoopTasks(eventLoop)
    }

    // MARK: the connection

    func handlerAdded(context: ChannelHandlerContext) { (self.context, timerTarget.connection) = (context, self) }
    func handlerRemoved(context: ChannelHandlerContext) { (self.context, timerTarget.connection) = (nil, nil) }

    func channelActive(context: ChannelHandlerContext) {
        guard registry.count < limits.connections else { return refuse(context, .overloaded) }
        registry.add(self)
        peer = Self.peer(context)
        expect(within: limits.idle)
        watch(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        registry.remove(self)
        deadline = .distantFuture
        // Whoever has gone wants nothing more sent.
        isClosing = true
        current?.body.fail(.broken)
        current?.task?.cancel()
        current = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// The next answer is the last one. A connection that is idle gets a moment for the request that may be on its way: closing it at
    /// once would lose that.
    func drain() {
        isDraining = true
        if current == nil { closeUnlessAsked() }
    }

    func closeUnlessAsked() {
        guard let context else { return }
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(limits.drainGrace.wholeMilliseconds)) {
            [timerTarget] in
            guard let connection = timerTarget.connection, connection.current == nil, !connection.isClosing else {
                return
            }
            connection.context?.close(promise: nil)
        }
    }

    // MARK: time

    /// A header that has begun and did not come in one piece has its own time, which no later bytes extend.
    private func watchHeader(_ context: ChannelHandlerContext) {
        guard current == nil, !isClosing, headerDeadline == nil, reader.waiting > 0 else { return }
        let moment = NIODeadline.now() + .milliseconds(limits.header.wholeMilliseconds)
        headerDeadline = moment
        context.eventLoop.assumeIsolated().scheduleTask(deadline: moment) { [timerTarget] in
            guard let connection = timerTarget.connection, let context = connection.context,
                connection.headerDeadline == moment
            else { return }
            connection.refuse(context, .headerTimeout)
        }
    }

    func expect(within duration: Duration) { expect(within: duration, since: .now()) }
    private func expect(within duration: Duration, since moment: NIODeadline) {
        deadline = moment + .milliseconds(duration.wholeMilliseconds)
    }

    /// One timer per connection, set again only when it fires: the deadline moves with every piece, and may come nearer.
    private func watch(_ context: ChannelHandlerContext) {
        guard deadline != .distantFuture else { return }
        let shortest = min(limits.idle, limits.body)
        let next = min(deadline, .now() + .milliseconds(shortest.wholeMilliseconds))
        context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { [timerTarget] in
            guard let connection = timerTarget.connection, let context = connection.context else { return }
            if connection.deadline <= .now() { connection.timedOut(context) }
            if context.channel.isActive { connection.watch(context) }
        }
    }

    private func timedOut(_ context: ChannelHandlerContext) {
        deadline = .now() + .milliseconds(limits.idle.wholeMilliseconds)
        guard let current, !isClosing else { return context.close(promise: nil) }
        // A reader that takes nothing holds everything behind it.
        if isFlushing { return context.close(promise: nil) }
        if !current.isComplete { current.body.fail(.timedOut) }
    }

    // MARK: reading

    func read(context: ChannelHandlerContext) {
        if !isClosing, current?.body.isFull == true || (current != nil && reader.waiting > limits.pipelinedBytes) {
            readHeld = true
        } else {
            context.read()
        }
    }

    /// There is room again.
    func readOn() {
        guard readHeld, let context else { return }
        readHeld = false
        read(context: context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing, !isBroken else { return }
        reader.append(Array(unwrapInboundIn(data).readableBytesView))
        readParts(context)
    }

    /// Takes what belongs to the request at work, or begins the next one, as long as there is something to take.
    func readParts(_ context: ChannelHandlerContext) {
        // An answer that is there at once asks for the next request from within.
        guard !isReading else { return }
        isReading = true
        defer { isReading = false }
        readAt = .now()
        do throws(HTTP1Fault) {
            while !isClosing {
                while !isClosing, current?.isComplete != true, let part = try reader.next() { take(part, context) }
                guard current != nil, current?.task == nil else { break }
                start()
                guard current == nil else { break }
            }
            watchHeader(context)
        } catch {
            // The head was fine and its body is not: the pipeline learns it from the body.
            guard let current else {
                return refuse(context, .refused(error == .tooLarge ? .fieldsTooLarge : .malformed))
            }
            isBroken = true
            current.body.fail(.broken)
            if current.task == nil { start() }
        }
    }

    private func take(_ part: RequestReader.Part, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head): begin(ReadHead(head, peer: peer), context)
        case .body(let piece):
            expect(within: limits.body, since: readAt)
            current?.body.put(piece)
        case .end(let trailers):
            expect(within: limits.idle, since: readAt)
            current?.isComplete = true
            current?.body.complete(trailers)
        }
    }

    private func begin(_ read: ReadHead, _ context: ChannelHandlerContext) {
        headerDeadline = nil
        expect(within: limits.body, since: readAt)
        current = Current(delivery: AnswerDelivery(of: read, to: NIOLoopBound(self, eventLoop: context.eventLoop)))
    }

    /// Works on the request, from here to the first moment that it has to wait; often there is none.
    private func start() {
        guard let delivery = current?.delivery else { return }
        let (pipeline, gate) = (pipeline, gate)
        let task = Task.immediate(executorPreference: tasks) {
            guard gate.enterAtOnce() ? true : await gate.enter() else {
                return await delivery.deliver(pipeline.refuse(.overloaded))
            }
            defer { gate.leave() }
            // A caller that left while it waited its turn wants nothing sent.
            guard !Task.isCancelled else { return }
            await delivery.deliver(await pipeline.respond(to: delivery.request))
        }
        if current?.delivery === delivery { current?.task = task }
    }

    /// The caller's address if it is not loopback.
    private static func peer(_ context: ChannelHandlerContext) -> [UInt8]? {
        guard let address = context.remoteAddress?.ipAddress else { return nil }
        return address.utf8.starts(with: "127.".utf8) || address.utf8.elementsEqual("::1".utf8)
            ? nil : Array(address.utf8)
    }
}
