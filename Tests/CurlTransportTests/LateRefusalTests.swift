// A tenant with several addresses, of which the first refuses only after a while.

import CurlTransport
import Model
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// An address of loopback that answers nobody, and refuses everybody once it is closed: the system asks again after a second.
private final class SilentAddress: Sendable {
    static let text = "127.0.0.2"
    private let listening: Int32
    private let filling: Int32

    init(port: Int) throws {
        (listening, filling) = (
            socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        )
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        #expect(unsafe inet_pton(AF_INET, Self.text, &address.sin_addr) == 1)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try unsafe withUnsafePointer(to: &address) {
            try unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                try #require(unsafe bind(listening, address, size) == 0)
                // Room for one connection, which nobody takes.
                try #require(listen(listening, 0) == 0)
                try #require(unsafe connect(filling, address, size) == 0)
            }
        }
    }

    func refuse() {
        close(filling)
        close(listening)
    }
}

@Suite(.onBothLanes) struct LateRefusalTests {
    /// The next address is tried when the first has refused, however long a connection may take.
    @Test func theNextAddressIsTried() async throws {
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            let silent = try SilentAddress(port: tenant.port)
            let line = "localhost:\(tenant.port):\(SilentAddress.text),127.0.0.1"
            try await withClient(of: tenant, change: { $0.addresses = [line] }) { client in
                async let answer = client.exchange(.sample("GET", "/", timeout: .seconds(60)))
                // Its socket is there, and asks.
                while client.connections.idle == 0 { await Task.yield() }
                silent.refuse()
                #expect(await answer == "200 ok")
            }
        }
    }
}
