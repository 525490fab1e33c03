// Connections: trust, time, cancelling, pace, and the end of the client.

import CurlTransport
import Model
import NIOConcurrencyHelpers
import TestSupport
import Testing

@Suite(.onBothLanes) struct ConnectionTests {
    /// Which version the tenant speaks is found out; from then on the codec frames HTTP/1.1, on connections of its own.
    @Test func theLaneIsChosenByWhatTheTenantSpeaks() async throws {
        try await ScriptedTenant.with(.each { .ok("\($0)") }) { tenant in
            try await withClient(of: tenant, change: { $0.version = .auto }) { client in
                for number in 1...4 { expect(await client.exchange(), "200 \(number)") }
                #expect(tenant.connections == (OnBothLanes.lane == .direct ? 2 : 1))
            }
        }
    }

    @Test func busyAndIdleConnectionsAreCounted() async throws {
        try await ScriptedTenant.with(.each { $0 <= 3 ? Reply("") : .ok() }) { tenant in
            try await withClient(of: tenant) { client in
                await withTaskGroup { group in
                    for _ in 0..<3 { group.addTask { _ = await client.exchange() } }
                    await tenant.received.wait(for: 3)
                    #expect(client.connections == (3, 0))
                    group.cancelAll()
                }
                await tenant.closed.wait(for: 3)
                expect(await client.exchange(), "200 ok")
                #expect(client.connections.busy + client.connections.idle == 1)
            }
        }
    }

    private func origin(_ host: String, _ port: Int) -> TenantOrigin {
        TenantOrigin(scheme: "https", host: host, port: port)
    }

    private func settings(_ tenant: ScriptedTenant) -> CurlSettings {
        var settings = CurlSettings(origin: origin("localhost", tenant.port))
        (settings.authorities, settings.version, settings.connectTimeout) = (tenant.certificates, .http1, .seconds(600))
        return settings
    }

    @Test func untrustedTenantsGetNothing() async throws {
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            // An authority that nobody knows, and a name that the certificate does not hold.
            try await withClient(of: origin("localhost", tenant.port), authorities: nil) { client in
                expect(await client.exchange(), "tls")
            }
            try await withClient(of: origin("127.0.0.1", tenant.port), authorities: tenant.certificates) { client in
                expect(await client.exchange(), "200 ok")
            }
            try await withClient(of: origin("ip6-localhost.localhost", tenant.port), authorities: tenant.certificates) {
                client in
                #expect(["tls", "unreachable"].contains(await client.exchange()))
            }
            #expect(tenant.requests.count == 1)
        }
    }

    @Test func whatCannotBeReached() async throws {
        let port = try await ScriptedTenant.with(.each { _ in .ok() }) { $0.port }
        try await withClient(of: origin("localhost", port), authorities: nil) { client in
            expect(await client.exchange(), "unreachable")
        }
        try await withClient(of: origin("no-such-host.invalid", 443), authorities: nil) { client in
            expect(await client.exchange(), "unreachable")
        }
    }

    @Test func aHandshakeThatStalls() async throws {
        try await ScriptedTenant.with(speaksTLS: false, .each { _ in .ok() }) { tenant in
            try await withClient(of: tenant, connectTimeout: .milliseconds(300)) { client in
                expect(await client.exchange(), "connectTimeout")
            }
        }
    }

    @Test func anAnswerThatDoesNotCome() async throws {
        try await ScriptedTenant.with(.each { $0 == 1 ? Reply("HTTP/1.1 200 OK\r\n") : .ok("fine") }) { tenant in
            try await withClient(of: tenant) { client in
                expect(await client.exchange(.sample(timeout: .seconds(10))), "timeout maybe sent")
                expect(await client.exchange(), "200 fine")
                #expect(tenant.connections == 2)
            }
        }
    }

    @Test func aBodyThatStalls() async throws {
        try await ScriptedTenant.with(.each { _ in Reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc") }) {
            tenant in
            try await withClient(of: tenant) { client in
                expect(await client.exchange(.sample(timeout: .seconds(10))), "200 cut timedOut")
            }
        }
    }

    /// A task that was cancelled before sends nothing.
    @Test func aCancelledTaskSendsNothing() async throws {
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            try await withClient(of: tenant) { client in
                let gate = Gate()
                let sending = Task {
                    await gate.wait()
                    return await client.exchange()
                }
                sending.cancel()
                gate.signal()
                #expect(await sending.value == "cancelled")
                expect(await client.exchange(), "200 ok")
                #expect(tenant.requests.count == 1)
            }
        }
    }

    /// However steadily it pours: the total time is over some day.
    @Test func theTotalTime() async throws {
        let script = ScriptedTenant.Script.each { _ in
            var reply = Reply("HTTP/1.1 200 OK\r\n\r\n")
            reply.endless = [UInt8](repeating: 0x61, count: 1024)
            return reply
        }
        try await ScriptedTenant.with(script) { tenant in
            try await withClient(of: tenant, change: { $0.totalTimeout = .seconds(10) }) { client in
                let response = try await client.send(.sample())
                var fault: BodyFault?
                do throws(BodyFault) { while try await response.body.next() != nil {} } catch { fault = error }
                #expect(fault == .timedOut)
            }
        }
    }

    @Test func aCancelledRequestClosesItsConnection() async throws {
        try await ScriptedTenant.with(.each { _ in Reply("") }) { tenant in
            try await withClient(of: tenant) { client in
                let request = Task { await client.exchange() }
                await tenant.received.wait()
                request.cancel()
                #expect(await request.value == "cancelled maybe sent")
                await tenant.closed.wait()
            }
        }
    }

    @Test func aBodyThatNobodyPullsAnyMoreEndsItsTransfer() async throws {
        try await ScriptedTenant.with(.each { _ in Reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc") }) {
            tenant in
            try await withClient(of: tenant) { client in
                let status = try await client.send(.sample()).status
                #expect(status == 200)
                await tenant.closed.wait()
            }
        }
    }

    /// The tenant pours for as long as it can write: what waits between it and a reader that does not read is bounded.
    @Test func aSlowReaderSlowsTheTenant() async throws {
        let piece = [UInt8](repeating: 0x61, count: 65_536)
        let script = ScriptedTenant.Script.each { _ in
            var reply = Reply("HTTP/1.1 200 OK\r\n\r\n")
            reply.endless = piece
            return reply
        }
        try await ScriptedTenant.with(script) { tenant in
            try await withClient(of: tenant) { client in
                let response = try await client.send(.sample())
                await tenant.stalled.wait(for: 20)
                let before = tenant.bytesSent
                var pulled = 0
                while pulled < 32 << 20, let piece = try await response.body.next() {
                    #expect(piece.allSatisfy { $0 == 0x61 })
                    pulled += piece.count
                }
                // 16 MiB is more than all the socket buffers of this path and far less than what was poured in all.
                #expect(before < 16 << 20)
                response.body.cancel()
                await tenant.closed.wait()
            }
        }
    }

    @Test func closingEndsWhatRunsAndRefusesWhatComes() async throws {
        try await ScriptedTenant.with(.each { _ in Reply("") }) { tenant in
            try await withClient(settings(tenant)) { client, running in
                let request = Task { await client.exchange() }
                await tenant.received.wait()
                client.close(now: true)
                #expect(await request.value == "cancelled maybe sent")
                #expect(await running.value)
                expect(await client.exchange(), "closed")
            }
        }
    }

    @Test func closingLetsRunningRequestsFinish() async throws {
        let gate = Gate()
        try await ScriptedTenant.with(.each { _ in .ok("late") }) { tenant in
            try await withClient(settings(tenant)) { client, running in
                let body = HeldBody(gate)
                let request = Task { await client.exchange(.sample("POST", "/x", body: .stream(body, length: 2))) }
                // Its first piece has been taken: it is under way.
                await body.askedTwice.wait()
                client.close(now: false)
                gate.signal()
                #expect(await request.value == "200 late")
                #expect(await running.value)
            }
        }
    }
}

/// A body of two bytes, of which the second comes when the gate opens.
final class HeldBody: BodyStream {
    let askedTwice = Gate()
    private let asked = NIOLockedValueBox(0)
    private let gate: Gate
    init(_ gate: Gate) { self.gate = gate }
    func next() async throws(BodyFault) -> [UInt8]? {
        let number = asked.withLockedValue { asked in
            asked += 1
            return asked
        }
        guard number == 2 else { return number == 1 ? [0x61] : nil }
        askedTwice.signal()
        await gate.wait()
        return [0x62]
    }
    func cancel() {}
}
