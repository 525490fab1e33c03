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

    /// The search ends here even when there are more states: breadth first, so that all shorter ways were gone.
    var most = 80_000

    private func search(_ start: World) -> Finding {
        var seen: Set<World> = [start]
        var worlds = [start]
        var origins: [(from: Int, step: String)] = [(-1, "")]
        var next = 0
        while next < worlds.count, worlds.count < most {
            let steps = rules.steps(worlds[next])
            if steps.isEmpty, rules.isStuck(worlds[next]) {
                return Finding(states: worlds.count, trace: trace(next, origins) + ["a caller is never answered"])
            }
            for (name, world) in steps where seen.insert(world).inserted {
                worlds.append(world)
                origins.append((next, name))
                guard let broken = world.broken else { continue }
                return Finding(states: worlds.count, trace: trace(worlds.count - 1, origins) + [broken])
            }
            next += 1
        }
        return Finding(states: worlds.count, trace: [])
    }

    /// The steps from the start.
    private func trace(_ end: Int, _ origins: [(from: Int, step: String)]) -> [String] {
        var (steps, at): ([String], Int) = ([], end)
        while at > 0 {
            steps.append(origins[at].step)
            at = origins[at].from
        }
        return steps.reversed()
    }
}

@Suite(.serialized) struct ExplorerTests {
    private struct Scene {
        let name: String
        let wishes: [Wish]
        var luck = Luck()
    }

    private static let scenes = [
        Scene(
            name: "three callers of one user",
            wishes: [Wish(user: "alice", token: 0), Wish(user: "alice", token: nil), Wish(user: "alice", token: 1)]),
        Scene(
            name: "by token alone, and another user with the same token",
            wishes: [Wish(user: nil, token: 0), Wish(user: "bob", token: 0), Wish(user: "alice", token: nil)]),
        Scene(
            name: "the same token from two sides, killed twice",
            wishes: [Wish(user: nil, token: 0), Wish(user: "alice", token: 0)], luck: Luck(crashes: 2)),
        Scene(
            name: "two replicas, an answer lost",
            wishes: [Wish(user: "alice", token: 0), Wish(user: "alice", token: 0, replica: 1)],
            luck: Luck(crashes: 0, faults: 1)),
        Scene(
            name: "two replicas, by token alone, one killed",
            wishes: [Wish(user: nil, token: 0), Wish(user: nil, token: 0, replica: 1)], luck: Luck(faults: 0)),
        Scene(
            name: "two replicas, a subscription ends, one killed",
            wishes: [Wish(user: "alice", token: 0), Wish(user: "alice", token: nil, replica: 1)],
            luck: Luck(faults: 0, cuts: 1)),
        Scene(
            name: "two replicas, answers of the store lost",
            wishes: [Wish(user: "alice", token: 0), Wish(user: "alice", token: nil, replica: 1)],
            luck: Luck(crashes: 1, faults: 0, lostWrites: 2)),
        Scene(
            name: "two replicas, a store that lost its last write",
            wishes: [Wish(user: "alice", token: 0), Wish(user: "alice", token: nil, replica: 1)],
            luck: Luck(crashes: 0, faults: 0, failovers: 1)),
    ]

    /// `EXPLORER=deep` searches further: more lost answers, time passes twice. It takes minutes.
    private static let isDeep = ProcessInfo.processInfo.environment["EXPLORER"] == "deep"

    @Test(arguments: scenes.indices)
    func everyOrderOfEvents(_ index: Int) async throws {
        let scene = Self.scenes[index]
        let rules = try Rules(flaw: nil)
        var luck = scene.luck
        if Self.isDeep { (luck.faults, luck.ticks) = (2, 2) }
        let start = rules.start(scene.wishes, luck: luck)
        let most = Self.isDeep ? 2_000_000 : start.isShared ? 80_000 : 200_000
        let finding = await Explorer(rules: rules, most: most).explore(start)
        #expect(finding.trace.isEmpty, "\(scene.name):\n\(finding.trace.joined(separator: "\n"))")
        #expect(finding.states > 1000)
        print("explored: \(scene.name): \(finding.states) states")
    }

    /// What the well-known programs of the field got wrong: each is found, with the shortest way there.
    @Test(arguments: Flaw.allCases)
    func everyFlawIsFound(_ flaw: Flaw) async throws {
        let rules = try Rules(flaw: flaw)
        var found: [String] = []
        for scene in Self.scenes.sorted(by: { $0.wishes.count < $1.wishes.count }) where found.isEmpty {
            var luck = scene.luck
            (luck.crashes, luck.faults) = (1, 2)
            found = await Explorer(rules: rules).explore(rules.start(scene.wishes, luck: luck)).trace
        }
        #expect(!found.isEmpty, "\(flaw) was not found")
        print("counter-example of \(flaw.rawValue):\n  " + found.joined(separator: "\n  "))
    }
}
