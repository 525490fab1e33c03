// The open connections of one event loop, so that they can be ended.

internal import NIOCore

/// Used on its event loop only.
final class ConnectionRegistry {
    private var handlers: [ObjectIdentifier: ConnectionHandler] = [:]
    private var emptied: EventLoopPromise<Void>?
    private var isDraining = false

    var count: Int { handlers.count }

    func add(_ handler: ConnectionHandler) {
        handlers[ObjectIdentifier(handler)] = handler
        if isDraining { handler.drain() }
    }

    func remove(_ handler: ConnectionHandler) {
        guard handlers.removeValue(forKey: ObjectIdentifier(handler)) != nil else { return }
        if handlers.isEmpty { emptied?.succeed() }
    }

    /// Ends every connection after its answer; `emptied` succeeds when the last one is gone.
    func drain(_ emptied: EventLoopPromise<Void>) {
        self.emptied = emptied
        isDraining = true
        if handlers.isEmpty { emptied.succeed() }
        for handler in handlers.values { handler.drain() }
    }
}
