// What is measured of the program's parts: each case does its work as often as it is told.

/// One thing that happens for a request, or for a write.
package struct Benchmark: Sendable {
    package let name: String
    /// Rounds of one measurement.
    package let rounds: Int
    /// Prepares what the rounds need and returns them. May use a folder.
    /// - Throws: what shows that the work is not done as it should be.
    package let prepare: @Sendable (_ folder: String) async throws -> Work
    package typealias Work = @Sendable (_ rounds: Int) async throws -> Void

    init(_ name: String, rounds: Int, _ prepare: @escaping @Sendable (_ folder: String) async throws -> Work) {
        (self.name, self.rounds, self.prepare) = (name, rounds, prepare)
    }

    package static let all = Benchmark.wire + Benchmark.injection + Benchmark.sessions + Benchmark.pipeline
}

/// A case that does not do its work measures nothing.
struct WrongResult: Error { let what: String }

func check(_ isRight: Bool, _ what: String) throws {
    if !isRight { throw WrongResult(what: what) }
}
