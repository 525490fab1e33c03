// The real programs as processes, started and ended by a test.

import FoundationEssentials
import NIOConcurrencyHelpers
import Subprocess
import TestSupport
import Testing

/// Lines that a process has written so far, and those who wait for one.
final class ProcessLines: Sendable {
    private struct State {
        var lines: [String] = []
        var isOver = false
        var waiters: [(isWanted: @Sendable (String) -> Bool, continuation: CheckedContinuation<String?, Never>)] = []
    }

    private let state = NIOLockedValueBox(State())

    var all: [String] { state.withLockedValue(\.lines) }

    func add(_ line: String) {
        let ready = state.withLockedValue { state in
            state.lines.append(line)
            // Each is asked once: it may count.
            let split = state.waiters.partition { $0.isWanted(line) }
            defer { state.waiters.removeSubrange(split...) }
            return Array(state.waiters[split...])
        }
        for waiter in ready { waiter.continuation.resume(returning: line) }
    }

    func end() {
        let waiters = state.withLockedValue { state in
            state.isOver = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: nil) }
    }

    /// The first line that is wanted; nil when the process ended without it.
    func first(where isWanted: @escaping @Sendable (String) -> Bool) async -> String? {
        await withCheckedContinuation { continuation in
            let ready: String?? = state.withLockedValue { state in
                if let line = state.lines.first(where: isWanted) { return .some(line) }
                if state.isOver { return .some(nil) }
                state.waiters.append((isWanted, continuation))
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}

/// A process that runs.
struct Program: Sendable {
    let pid: Int32
    let lines: ProcessLines
    fileprivate let signal: @Sendable (Signal) -> Void

    /// SIGTERM: the clean end.
    func stop() { signal(.terminate) }
    /// SIGKILL.
    func kill() { signal(.kill) }
    /// SIGSTOP: as a machine that goes to sleep.
    func suspend() { signal(.suspend) }
    /// SIGCONT.
    func resume() { signal(.resume) }
    /// Any signal, by its number.
    func send(_ number: Int32) { signal(Signal(rawValue: number)) }
    /// SIGHUP: read secrets and certificates again.
    func reload() { signal(.terminalClosed) }
}

extension Program {
    /// What the process takes of the machine just now.
    struct Footprint: Sendable {
        /// KiB resident.
        let resident: Int
        let threads: Int
        let descriptors: Int
    }

    func footprint() throws -> Footprint {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8).split(separator: "\n")
        func number(_ label: String) -> Int {
            status.first { $0.hasPrefix(label) }.flatMap { Int($0.filter(\.isNumber)) } ?? 0
        }
        return Footprint(
            resident: number("VmRSS:"), threads: number("Threads:"),
            descriptors: try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count)
    }
}

/// How a process ended.
struct ProgramEnd: Sendable {
    /// Exit code; nil when a signal ended it.
    let exitCode: Int32?
    let lines: [String]
}

enum Programs {
    /// The folder of the built programs: where the test runner itself is, or `$PROGRAMS` (a release build, to be measured).
    static let folder =
        ProcessInfo.processInfo.environment["PROGRAMS"]
        ?? CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false).dropLast()
        .joined(separator: "/")

    /// Runs a program while `body` runs; ends it with SIGTERM if it still runs then.
    /// - Parameter wrapper: a command line that runs it, such as a tracer's.
    static func run<Result: Sendable>(
        _ name: String, _ arguments: [String] = [], under wrapper: [String] = [], environment: [String: String] = [:],
        _ body: (Program) async throws -> Result
    ) async throws -> (Result, ProgramEnd) {
        let lines = ProcessLines()
        var variables: [Environment.Key: String] = ["PATH": folder + ":/usr/bin:/bin"]
        for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
        let command = wrapper + [name] + arguments
        let outcome = try await Subprocess.run(
            .name(command[0]), arguments: Arguments(Array(command.dropFirst())), environment: .custom(variables),
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            let program = Program(
                pid: execution.processIdentifier.value, lines: lines, signal: { try? execution.send(signal: $0) })
            let reading = Task {
                for try await line in execution.standardOutput.strings() { lines.add(line.trimmingNewline) }
                lines.end()
            }
            defer { lines.end() }
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(program)) } catch { result = .failure(error) }
            program.stop()
            try await reading.value
            return try result.get()
        }
        var code: Int32?
        if case .exited(let status) = outcome.terminationStatus { code = status }
        return (outcome.closureResult, ProgramEnd(exitCode: code, lines: lines.all))
    }

    /// What stands before a program's name to watch one of its system calls, or to make it fail (strace's `inject`). The process that the
    /// test started is the program, not the tracer.
    static func tracer(_ call: String, injecting fault: String? = nil, to file: String = "/dev/null") -> [String] {
        let injection = fault.map { ["-e", "inject=\(call):\($0)"] } ?? []
        return ["strace", "-D", "-f", "-qq", "-o", file, "-e", "trace=\(call)"] + injection
    }

    /// Runs a program to its own end.
    static func runToEnd(
        _ name: String, _ arguments: [String] = [], under wrapper: [String] = [], environment: [String: String] = [:]
    ) async throws -> ProgramEnd {
        try await run(name, arguments, under: wrapper, environment: environment) { program in
            _ = await program.lines.first { _ in false }
        }.1
    }
}

extension String {
    fileprivate var trimmingNewline: String { utf8.last == 0x0A ? String(dropLast()) : self }
}
