// Swift tasks on a connection's own event loop: no thread is changed between a request and its answer.

package import NIOCore

/// Runs the jobs of tasks on one event loop.
package final class EventLoopTasks: TaskExecutor {
    private let eventLoop: any EventLoop

    package init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    package func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        let executor = unsafe asUnownedTaskExecutor()
        eventLoop.execute { unsafe unowned.runSynchronously(on: executor) }
    }
}
