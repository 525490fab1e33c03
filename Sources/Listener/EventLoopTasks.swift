// Swift tasks on a connection's own event loop: no thread is changed between a request and its answer.

internal import NIOCore

/// Runs the jobs of tasks on one event loop.
final class EventLoopTasks: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        let executor = unsafe asUnownedTaskExecutor()
        eventLoop.execute { unsafe unowned.runSynchronously(on: executor) }
    }
}
