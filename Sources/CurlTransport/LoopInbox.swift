// How other threads give work to the loop thread.

internal import Model
internal import NIOConcurrencyHelpers

/// What the loop thread may be asked for.
enum LoopCommand: Sendable {
    case start(TransferID, UpstreamRequest, AnswerMailbox, BodyFeed?)
    /// Data or room is there again.
    case resume(TransferID)
    case cancel(TransferID)
    /// Read certificate files anew: no connection from before serves a new request.
    case reload
    /// No new transfers; end when the last one has ended, or at once.
    case close(now: Bool)
}

/// A locked list of commands, and the knowledge of whether the loop sleeps: waking it costs a system call, so it is done once
/// per sleep.
final class LoopInbox: Sendable {
    private struct State {
        var commands: [LoopCommand] = []
        var isAsleep = false
        var isClosed = false
    }

    private let state = NIOLockedValueBox(State())

    /// Any thread. Returns false when the loop has ended and the command was not taken.
    /// - Parameter wake: wakes the loop if it sleeps. Called under the lock: after `close` nobody may touch the loop's handle.
    func put(_ command: LoopCommand, wake: () -> Void) -> Bool {
        state.withLockedValue { state in
            guard !state.isClosed else { return false }
            state.commands.append(command)
            if state.isAsleep { wake() }
            state.isAsleep = false
            return true
        }
    }

    /// Any thread. Calls `wake` unless the loop has ended.
    func whileOpen(_ wake: () -> Void) { state.withLockedValue { if !$0.isClosed { wake() } } }

    /// Loop thread. All commands so far.
    func take() -> [LoopCommand] {
        state.withLockedValue { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Loop thread. Whether it may sleep; from then on the next command wakes it.
    func fallAsleep() -> Bool {
        state.withLockedValue { state in
            state.isAsleep = state.commands.isEmpty
            return state.isAsleep
        }
    }

    func awake() { state.withLockedValue { $0.isAsleep = false } }

    /// Loop thread. Nothing is taken any more; returns what was left.
    func close() -> [LoopCommand] {
        state.withLockedValue { state in
            state.isClosed = true
            defer { state.commands = [] }
            return state.commands
        }
    }
}
