// Which connection a request of the direct lane gets, and what becomes of the others.

import CurlTransport
import Listener
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

struct DirectLaneTests {
    /// A tenant behind a proxy that lets connections through one by one.
    private func withHeldConnections(
        _ script: ScriptedTenant.Script, _ body: (CurlClient, TunnelProxy, ScriptedTenant) async throws -> Void
    ) async throws {
        try await ScriptedTenant.with(script) { tenant in
            try await TunnelProxy.with(holds: true) { proxy in
                try await withClient(of: tenant, change: { $0.proxy = "http://127.0.0.1:\(proxy.port)" }) { client in
                    try await body(client, proxy, tenant)
                }
            }
        }
    }

    /// Three requests wait for three connections. The first connection serves two of them; the second is refused: whoever still waits
    /// gets the third.
    @Test func aSurplusConnectionThatFailsIsMissedByNobody() async throws {
        let script = ScriptedTenant.Script.each { $0 == 2 ? Reply("") : .ok("\($0)") }
        try await withHeldConnections(script) { client, proxy, tenant in
            let first = Task { await client.exchange() }
            await proxy.asked.wait(for: 1)
            let second = Task { await client.exchange() }
            await proxy.asked.wait(for: 2)
            let third = Task { await client.exchange() }
            await proxy.asked.wait(for: 3)
            proxy.answer(1, through: true)
            #expect(await first.value == "200 1")
            await tenant.received.wait(for: 2)
            proxy.answer(2, through: false)
            proxy.answer(3, through: true)
            #expect(await third.value == "200 3")
            second.cancel()
            _ = await second.value
            #expect(tenant.connections == 2)
        }
    }

    /// The last connection that was on its way is refused: so is the request that waits for it.
    @Test func aConnectionThatFailsIsSomebodys() async throws {
        try await withHeldConnections(.each { .ok("\($0)") }) { client, proxy, tenant in
            let only = Task { await client.exchange() }
            await proxy.asked.wait(for: 1)
            proxy.answer(1, through: false)
            expect(await only.value, "broken")
            #expect(tenant.connections == 0)
        }
    }

    /// Connections are begun one at a time, with the work of others in between: most of the requests that come together find one that has
    /// been made before theirs is begun. Everybody works on one event loop here, so that each has a turn after the other.
    @Test func connectionsAreBegunOneByOne() async throws {
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            try await withClient(of: tenant, on: tenant.eventLoop) { client in
                let answers = (1...64).map { _ in Task { await client.exchange() } }
                for answer in answers { expect(await answer.value, "200 ok") }
                #expect(tenant.connections < 32)
            }
        }
    }

    /// What is asked for in one turn of the event loop is begun together at its end, but in portions: the first does not wait for the
    /// hundredth.
    @Test func manyRequestsGoOutInPortions() async throws {
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
            try await withClient(of: tenant, on: eventLoop) { client in
                expect(await client.exchange(), "200 ok")
                // Each of them sees whether the connection is in use before it asks for something.
                let answers = try await eventLoop.submit {
                    let tasks = EventLoopTasks(eventLoop)
                    return (1...17).map { _ in
                        Task.immediate(executorPreference: tasks) { (client.connections.busy, await client.exchange()) }
                    }
                }.get()
                var seen: [Int] = []
                for answer in answers {
                    let (busy, said) = await answer.value
                    expect(said, "200 ok")
                    seen.append(busy)
                }
                #expect(seen == Array(repeating: 0, count: 16) + [1])
            }
        }
    }

    /// What comes while others are answered is not left for the next turn of the event loop, which begins with what callers have sent
    /// meanwhile.
    @Test func answersThatComeInATurnAreLookedForInIt() async throws {
        let (isOpen, reached, heldRequest) = (ConditionLock(value: false), Gate(), NIOLockedValueBox(0))
        let script = ScriptedTenant.Script.each { number in
            if number == heldRequest.withLockedValue({ $0 }) {
                reached.signal()
                isOpen.lock(whenValue: true)
                isOpen.unlock()
            }
            return .ok()
        }
        try await ScriptedTenant.with(script) { tenant in
            let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
            try await withClient(of: tenant, on: eventLoop) { client in
                while client.connections.idle < 2 {
                    let answers = (1...8).map { _ in Task { await client.exchange() } }
                    for answer in answers { expect(await answer.value, "200 ok") }
                }
                let before = tenant.received.count
                heldRequest.withLockedValue { $0 = before + 1 }
                let (turns, tasks) = (try await TurnProbe.start(on: eventLoop), EventLoopTasks(eventLoop))
                let first = Task(executorPreference: tasks) {
                    expect(await client.exchange(), "200 ok")
                    turns.said("first")
                    // The event loop will find this when it next looks at its own sockets.
                    turns.askForNext()
                    while tenant.received.count < before + 2 { sched_yield() }
                }
                await reached.wait()
                // The second is asked for in a turn at whose end the first one's answer is there, and answered while that is gone on with.
                let second = try await eventLoop.submit {
                    let second = Task.immediate(executorPreference: tasks) {
                        expect(await client.exchange(), "200 ok")
                        turns.said("second")
                    }
                    isOpen.lock()
                    isOpen.unlock(withValue: true)
                    while tenant.received.count < before + 1 { sched_yield() }
                    return second
                }.get()
                await first.value
                await second.value
                #expect(await turns.end() == ["first", "second", "next turn"])
            }
        }
    }

    /// Whoever comes again shows the ticket of his last session, and is spared the certificate; but not longer than a connection is used,
    /// and not after a reload, which may have changed whom we trust.
    @Test(arguments: ["-tls1_2", "-tls1_3"]) func sessionsAreResumed(_ version: String) async throws {
        // The server says how the session came about, and ends each connection.
        try await OpenSSLServer.with([version]) { server in
            try await withClient(of: server.origin, authorities: server.authorities) { client in
                #expect(await client.exchange().contains("\nNew, "))
                #expect(await client.exchange().contains("\nReused, "))
                client.reload()
                #expect(await client.exchange().contains("\nNew, "))
                #expect(await client.exchange().contains("\nReused, "))
            }
            try await withClient(
                of: server.origin, authorities: server.authorities, change: { $0.connectionAge = .zero }
            ) { client in for _ in 1...2 { #expect(await client.exchange().contains("\nNew, ")) } }
        }
    }

    /// Whatever a connection failed of, the next one does not try the same session again.
    @Test func aConnectionThatFailsEndsTheSessions() async throws {
        try await OpenSSLServer.with([]) { server in
            try await TunnelProxy.with(holds: true) { proxy in
                let change: (inout CurlSettings) -> Void = { $0.proxy = "http://127.0.0.1:\(proxy.port)" }
                try await withClient(of: server.origin, authorities: server.authorities, change: change) { client in
                    for (number, expected) in ["\nNew, ", "\nReused, ", "broken", "\nNew, "].enumerated() {
                        let answer = Task { await client.exchange() }
                        await proxy.asked.wait(for: number + 1)
                        proxy.answer(number + 1, through: expected != "broken")
                        #expect(await answer.value.contains(expected))
                    }
                }
            }
        }
    }

    /// A connection whose request has been given up is counted upon by nobody: whoever comes then has one of his own, and is not hit when the
    /// other one fails.
    @Test func aConnectionThatIsLeftOverIsNobodys() async throws {
        try await withHeldConnections(.each { .ok("\($0)") }) { client, proxy, tenant in
            let before = Task { await client.exchange() }
            await proxy.asked.wait(for: 1)
            before.cancel()
            expect(await before.value, "cancelled")
            let after = Task { await client.exchange() }
            await proxy.asked.wait(for: 2)
            proxy.answer(1, through: false)
            proxy.answer(2, through: true)
            expect(await after.value, "200 1")
            #expect(tenant.connections == 1)
        }
    }

    /// A connection that was begun before the reload is for those that were waiting for it, and for nobody that came later.
    @Test func reloadingWhileRequestsWait() async throws {
        try await withHeldConnections(.each { .ok("\($0)") }) { client, proxy, tenant in
            let before = Task { await client.exchange() }
            await proxy.asked.wait(for: 1)
            client.reload()
            let after = Task { await client.exchange() }
            await proxy.asked.wait(for: 2)
            proxy.answer(1, through: true)
            #expect(await before.value == "200 1")
            proxy.answer(2, through: true)
            #expect(await after.value == "200 2")
            #expect(tenant.connections == 2)
        }
    }

    /// Nobody looks at a connection whose taker has enough for now; its end is seen when he goes on.
    @Test func aResetWhilePaused() async throws {
        let script = ScriptedTenant.Script.each { number in
            guard number == 1 else { return .ok("fine") }
            var reply = Reply("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            reply.endless = [UInt8](repeating: 0x61, count: 65_536)
            return reply
        }
        try await ScriptedTenant.with(script) { tenant in
            try await withClient(of: tenant) { client in
                let response = try await client.send(.sample())
                await tenant.stalled.wait()
                tenant.reset()
                await tenant.closed.wait()
                // Others go on meanwhile.
                expect(await client.exchange(), "200 fine")
                await #expect(throws: BodyFault.broken) { try await response.body.collect(upTo: 1 << 30) }
                expect(await client.exchange(), "200 fine")
            }
        }
    }

    /// The sessions of TLS come and go at the same few addresses: what one has said is not taken for the next one's word.
    @Test func goodbyesAreOfOneConnection() async throws {
        let script = ScriptedTenant.Script.each { number in
            Reply("HTTP/1.1 200 OK\r\n\r\n\(number)", number.isMultiple(of: 2) ? .cut : .close)
        }
        try await ScriptedTenant.with(script) { tenant in
            try await withClient(of: tenant) { client in
                for number in 1...20 {
                    expect(await client.exchange(), number.isMultiple(of: 2) ? "200 cut broken" : "200 \(number)")
                }
            }
        }
    }
}

/// Notes what happens, and when an event loop begins its next turn.
private final class TurnProbe: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let notes = NIOLockedValueBox<[String]>([])
    private let hasTurned = Gate()
    private let asking: Int32
    private let channel = NIOLockedValueBox<(any Channel)?>(nil)

    private init(asking: Int32) { self.asking = asking }

    static func start(on eventLoop: any EventLoop) async throws -> TurnProbe {
        var ends: [Int32] = [-1, -1]
        try #require(unsafe pipe(&ends) == 0)
        let probe = TurnProbe(asking: ends[1])
        let channel = try await NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { $0.pipeline.addHandler(probe) }
            .takingOwnershipOfDescriptor(input: ends[0]).get()
        probe.channel.withLockedValue { $0 = channel }
        return probe
    }

    func said(_ note: String) { notes.withLockedValue { $0.append(note) } }

    func askForNext() {
        var byte: UInt8 = 1
        _ = unsafe write(asking, &byte, 1)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        said("next turn")
        hasTurned.signal()
    }

    func end() async -> [String] {
        await hasTurned.wait()
        try? await channel.withLockedValue { $0 }?.close().get()
        close(asking)
        return notes.withLockedValue { $0 }
    }
}
