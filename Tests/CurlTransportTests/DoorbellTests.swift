// How an event loop learns that a socket in the system's list is ready.

import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import CurlTransport

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite struct DoorbellTests {
    /// A list with the one end of a pair of sockets in it, and a bell that is told what to do and says how often it has rung.
    private final class Scene: @unchecked Sendable {
        // Guarded by confinement: used on the event loop.
        let list: Readiness
        var ends: [Int32] = [0, 0]
        var bell: Doorbell?
        var rings = 0
        var onRing: (() -> Void)?

        init() throws {
            list = try #require(Readiness())
            #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            #expect(list.add(ends[0], .reading))
        }

        func say() { #expect(unsafe write(ends[1], "x", 1) == 1) }
        func hear() {
            var byte: UInt8 = 0
            #expect(unsafe read(ends[0], &byte, 1) == 1)
        }

        func end() {
            bell?.takeDown()
            list.free()
            for end in ends { close(end) }
        }
    }

    /// Runs `body` on an event loop with a bell; returns how often it had rung when `isOver` was called.
    private func rings(
        _ waiter: ReadinessWaiter, _ body: @escaping @Sendable (Scene, _ isOver: @escaping () -> Void) -> Void
    ) async throws -> Int {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = loops.next()
        let scene = try Scene()
        let bell = try await loop.flatSubmit {
            Doorbell.hang(scene.list.descriptor, on: loop, waiter: waiter) {
                scene.rings += 1
                scene.onRing?()
            }
        }.get()
        await withCheckedContinuation { continuation in
            loop.execute {
                scene.bell = bell.value
                body(scene) {
                    scene.onRing = nil
                    continuation.resume()
                }
            }
        }
        // The bell is heard on the loop: one that rang meanwhile has been counted.
        let rings = try await loop.submit { scene.rings }.get()
        try await loop.submit { scene.end() }.get()
        try await loops.shutdownGracefully()
        return rings
    }

    @Test(arguments: [ReadinessWaiter.system, .thread])
    func ringsOnceForEachTimeItIsArmed(_ waiter: ReadinessWaiter) async throws {
        let rings = try await rings(waiter) { scene, isOver in
            scene.onRing = {
                scene.hear()
                guard scene.rings < 3 else { return isOver() }
                scene.bell?.arm()
                scene.say()
            }
            scene.bell?.arm()
            // Twice is as good as once.
            scene.bell?.arm()
            scene.say()
        }
        #expect(rings == 3)
    }

    @Test(arguments: [ReadinessWaiter.system, .thread])
    func ringsAtOnceForWhatIsReadyAlready(_ waiter: ReadinessWaiter) async throws {
        let rings = try await rings(waiter) { scene, isOver in
            scene.onRing = { isOver() }
            scene.say()
            scene.bell?.arm()
        }
        #expect(rings == 1)
    }

    /// Rung by hand, whoever waits for the list waits on.
    @Test(arguments: [ReadinessWaiter.system, .thread])
    func rungByHand(_ waiter: ReadinessWaiter) async throws {
        let rings = try await rings(waiter) { scene, isOver in
            scene.onRing = {
                guard scene.rings == 1 else { return isOver() }
                scene.bell?.arm()
                scene.say()
            }
            scene.bell?.arm()
            scene.bell?.ring()
        }
        #expect(rings == 2)
    }
}
