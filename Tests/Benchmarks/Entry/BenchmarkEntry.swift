// Measures the parts of the program and prints a table. Built and run by micro.sh.

import BenchmarkCases
import TestSupport

/// The median of five measurements: other programs of the machine only ever make one longer.
@main
struct BenchmarkEntry {
    static func main() async throws {
        print("| part | ns for each |\n|---|---|")
        for benchmark in Benchmark.all {
            let times = try await withTestFolder { folder in
                let work = try await benchmark.prepare(folder)
                // Off the main thread, to which every step back would cost a wake-up.
                return try await Task.detached {
                    try await work(max(1, benchmark.rounds / 10))
                    var times: [Duration] = []
                    for _ in 0..<5 {
                        times.append(try await ContinuousClock().measure { try await work(benchmark.rounds) })
                    }
                    return times.sorted()
                }.value
            }
            print("| \(benchmark.name) | \(Int(times[2] / .nanoseconds(1)) / benchmark.rounds) |")
        }
    }
}
