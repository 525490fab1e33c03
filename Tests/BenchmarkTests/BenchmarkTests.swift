// That the benchmarks do their work; how fast is for their own scripts.

import BenchmarkCases
import TestSupport
import Testing

struct BenchmarkTests {
    /// The look-up among a million is the one among ten thousand, and takes its time to fill.
    @Test(arguments: Benchmark.all.map(\.name).filter { !$0.contains("1000000") })
    func worksOnce(_ name: String) async throws {
        let benchmark = try #require(Benchmark.all.first { $0.name == name })
        try await withTestFolder { folder in
            let work = try await benchmark.prepare(folder)
            try await work(3)
        }
    }
}
