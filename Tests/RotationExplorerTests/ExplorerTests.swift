// Every order of events, to a bounded depth: the real rules hold, and the known wrong ones are found out.

import Dispatch
import FoundationEssentials
import Testing

/// Breadth first over all worlds, so that a counter-example is a shortest one.
struct Explorer: Sendable {
    struct Finding: Sendable {
        let states: Int
        /// The steps that lead to a broken rule, and the rule; empty when none is broken.
        let trace: [String]
    }

    let rules: Rules

    /// On a thread of its own: the threads that tests share are few, and this takes one for long.
    func explore(_ start: World) async -> Finding {
        await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async { continuation.resume(returning: search(start)) }
        }
    }

    /// - Parameter most: states at which it gives up; reported by `states` reaching it.
    private func search(_ start: World, most: Int = 2_000_000) -> Finding {
        var seen: Set<World> = [start]
        var worlds = [start]
        var origins: [(from: Int, step: String)] = [(-1, "")]
        var next = 0
        while next < worlds.count, worlds.count < most {
            for (name, world) in rules.steps(worlds[next]) where seen.insert(world).inserted {
                worlds.append(world)
                origins.append((next, name))
                guard let broken = world.broken else { continue }
                var trace = [broken]
                var at = worlds.count - 1
                while at > 0 {
                    trace.append(origins[at].step)
                    at = origins[at].from
                }
                return Finding(states: worlds.count, trace: trace.reversed())
            }
            next += 1
        }
        return Finding(states: worlds.count, trace: [])
    }
}

@Suite(.serialized) struct ExplorerTests {
    private struct Scene {
        let name: String
        let wishes: [Wish]
        /// Answers that may be lost.
        var faults = 2
    }

    private static let scenes = [
        Scene(
            name: "three callers of one user",
            wishes: [Wish(user: "alice", token: 0), Wish(user: "alice", token: nil), Wish(user: "alice", token: 1)]),
        Scene(
            name: "by token alone, and another user with the same token",
            wishes: [Wish(user: nil, token: 0), Wish(user: "bob", token: 0), Wish(user: "alice", token: nil)]),
        Scene(
            name: "the same token from two sides", wishes: [Wish(user: nil, token: 0), Wish(user: "alice", token: 0)]),
    ]

    /// `EXPLORER=deep` searches further: more lost answers, time passes twice. It takes minutes.
    private static let isDeep = ProcessInfo.processInfo.environment["EXPLORER"] == "deep"

    @Test(arguments: scenes.indices)
    func everyOrderOfEvents(_ index: Int) async throws {
        let scene = Self.scenes[index]
        let rules = try Rules(flaw: nil)
        let start = rules.start(
            scene.wishes, crashes: 1, faults: Self.isDeep ? 2 : scene.faults, ticks: Self.isDeep ? 2 : 1)
        let finding = await Explorer(rules: rules).explore(start)
        #expect(finding.trace.isEmpty, "\(scene.name):\n\(finding.trace.joined(separator: "\n"))")
        #expect(finding.states > 1000)
        print("explored: \(scene.name): \(finding.states) states")
    }

    /// What the well-known programs of the field got wrong: each is found, with the shortest way there.
    @Test(arguments: Flaw.allCases)
    func everyFlawIsFound(_ flaw: Flaw) async throws {
        let rules = try Rules(flaw: flaw)
        var found: [String] = []
        for scene in Self.scenes.reversed() where found.isEmpty {
            found = await Explorer(rules: rules).explore(rules.start(scene.wishes, crashes: 1, faults: 2, ticks: 1))
                .trace
        }
        #expect(!found.isEmpty, "\(flaw) was not found")
        print("counter-example of \(flaw.rawValue):\n  " + found.joined(separator: "\n  "))
    }
}
