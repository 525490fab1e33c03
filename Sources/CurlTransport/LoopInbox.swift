// How work is given to the loop, from wherever it comes.

internal import Model
internal import NIOConcurrencyHelpers

/// What the loop may be asked for.
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

/// A locked list of commands, and the knowledge of whether the loop has been called for them: it is called once for all that come
/// before it answers.
final class LoopInbox: Sendable {
    private struct State {
        var commands: [LoopCommand] = []
        var isCalled = false
        var isClosed = false
    }

    /// Of a command that was taken.
    struct Receipt {
        /// Whether the loop has to be called, to `answer` once.
        let isFirst: Bool
        /// How many commands wait, this one among them.
        let count: Int
    }

    private let state = NIOLockedValueBox(State())

    /// Any thread.
    /// - Returns: nil when the loop has ended and the command was not taken.
    func put(_ command: LoopCommand) -> Receipt? {
        state.withLockedValue { state in
            guard !state.isClosed else { return nil }
            state.commands.append(command)
            defer { state.isCalled = true }
            return Receipt(isFirst: !state.isCalled, count: state.commands.count)
        }
    }

    /// Whether the loop has been called and has not answered yet.
    var isCalled: Bool { state.withLockedValue(\.isCalled) }

    /// The loop comes: for what is put in from now on it has to be called again.
    func answer() { state.withLockedValue { $0.isCalled = false } }

    /// Loop. All commands so far.
    func take() -> [LoopCommand] {
        state.withLockedValue { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Loop. Nothing is taken any more; returns what was left.
    func close() -> [LoopCommand] {
        state.withLockedValue { state in
            state.isClosed = true
            defer { state.commands = [] }
            return state.commands
        }
    }
}
