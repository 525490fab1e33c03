// Whom the client trusts, with what it shows itself, and by which way it goes.

import CurlTransport
import FoundationEssentials
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TestSupport
import Testing

@Suite(.onBothLanes) struct TrustTests {
    /// SHA-256 of the key of the certificate that a server shows, as `openssl` tells it.
    private func pin(_ port: Int) async throws -> String {
        let script = """
            openssl s_client -connect 127.0.0.1:$0 -servername localhost </dev/null 2>/dev/null \
              | openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
            """
        return "sha256//" + (try await Shell.run(script, "\(port)")).trimmed
    }

    @Test func aPinnedKeyIsTheOnlyOneTrusted() async throws {
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            let pin = try await pin(tenant.port)
            let other = "sha256//" + String(repeating: "A", count: 43) + "="
            for (pins, expected) in [(pin, "200 ok"), (other + ";" + pin, "200 ok"), (other, "tls")] {
                try await withClient(of: tenant, change: { $0.pinnedKeys = pins }) { client in
                    expect(await client.exchange(), expected)
                }
            }
            #expect(tenant.requests.count == 2)
        }
    }

    /// Without the system's authorities only the file counts; a file that holds another authority is not enough.
    @Test func authorities() async throws {
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            try await withClient(of: tenant, change: { $0.usesSystemAuthorities = false }) { client in
                expect(await client.exchange(), "200 ok")
            }
            try await ScriptedTenant.with(.each { _ in .ok() }) { other in
                let change: (inout CurlSettings) -> Void = {
                    $0.usesSystemAuthorities = false
                    $0.authorities = other.certificates
                }
                try await withClient(of: tenant, change: change) { client in
                    expect(await client.exchange(), "tls")
                }
            }
        }
    }

    @Test func theLowestVersion() async throws {
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            try await withClient(of: tenant, change: { $0.tlsMinimum = .v13 }) { client in
                expect(await client.exchange(), "200 ok")
            }
        }
        try await OpenSSLServer.with(["-tls1_2"]) { server in
            try await withClient(of: server.origin, authorities: server.authorities) { client in
                #expect(await client.exchange().hasPrefix("200 "))
            }
            try await withClient(of: server.origin, authorities: server.authorities, change: { $0.tlsMinimum = .v13 }) {
                client in expect(await client.exchange(), "tls")
            }
        }
    }

    /// A server that wants a certificate gets ours, and none where we have none.
    @Test func aClientCertificate() async throws {
        try await OpenSSLServer.with(["-Verify", "1"]) { server in
            try await withClient(of: server.origin, authorities: server.authorities, version: .http1) { client in
                let answer = await client.exchange()
                #expect(answer == "tls" || answer.hasPrefix("broken"), "\(answer)")
            }
            let change: (inout CurlSettings) -> Void = { $0.clientCertificate = (server.certificate, server.key) }
            try await withClient(of: server.origin, authorities: server.authorities, change: change) { client in
                #expect(await client.exchange().hasPrefix("200 "))
            }
        }
    }

    @Test func anAddressOfOurOwn() async throws {
        try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
            // `localhost` would lead to the tenant; this leads nowhere, and then to it.
            for (address, expected) in [("127.0.0.2", "unreachable"), ("127.0.0.1", "200 ok")] {
                let change: (inout CurlSettings) -> Void = { $0.addresses = ["localhost:\(tenant.port):\(address)"] }
                try await withClient(of: tenant, change: change) { client in
                    expect(await client.exchange(), expected)
                }
            }
        }
    }

    /// The proxy sees CONNECT and nothing else; what it says is no answer of the tenant.
    @Test func aProxyIsATunnel() async throws {
        try await ScriptedTenant.with(.each { _ in .ok("through") }) { tenant in
            try await TunnelProxy.with { proxy in
                let change: (inout CurlSettings) -> Void = { $0.proxy = "http://user:word@127.0.0.1:\(proxy.port)" }
                try await withClient(of: tenant, change: change) { client in
                    expect(await client.exchange(.sample("GET", "/secret", ["X-Secret": "canary"])), "200 through")
                }
                let seen = proxy.heads.joined()
                #expect(seen.hasPrefix("CONNECT localhost:\(tenant.port) HTTP/1.1\r\n"))
                #expect(seen.contains("Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n"))
                #expect(!seen.contains("canary") && !seen.contains("/secret"))
            }
        }
    }

    /// Connections are made anew after a while; the file of authorities, which takes long to read, is not read again for that.
    @Test func authoritiesOutliveConnections() async throws {
        try await withTestFolder { folder in
            try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
                let file = URL(filePath: folder + "/ca.pem")
                try #require(FileManager.default.contents(atPath: tenant.certificates)).write(to: file)
                let origin = TenantOrigin(scheme: "https", host: "localhost", port: tenant.port)
                let change: (inout CurlSettings) -> Void = {
                    ($0.usesSystemAuthorities, $0.connectionAge) = (false, .zero)
                }
                try await withClient(of: origin, authorities: file.path, change: change) { client in
                    expect(await client.exchange(), "200 ok")
                    try FileManager.default.removeItem(at: file)
                    expect(await client.exchange(), "200 ok")
                    #expect(tenant.connections == 2)
                    client.reload()
                    expect(await client.exchange(), "tls")
                }
            }
        }
    }

    /// After a reload nothing of before is used: the file of authorities is read again, connections are made anew.
    @Test func reloading() async throws {
        try await withTestFolder { folder in
            try await ScriptedTenant.with(.each { _ in .ok() }) { tenant in
                let file = folder + "/ca.pem"
                func write(_ source: String) throws {
                    try (FileManager.default.contents(atPath: source) ?? Data()).write(to: URL(filePath: file))
                }
                try write(tenant.certificates)
                let origin = TenantOrigin(scheme: "https", host: "localhost", port: tenant.port)
                try await withClient(of: origin, authorities: file) { client in
                    expect(await client.exchange(), "200 ok")
                    expect(await client.exchange(), "200 ok")
                    #expect(tenant.connections == 1)
                    client.reload()
                    expect(await client.exchange(), "200 ok")
                    #expect(tenant.connections == 2)
                    try await ScriptedTenant.with(.each { _ in .ok() }) { other in
                        try write(other.certificates)
                        client.reload()
                        expect(await client.exchange(), "tls")
                        try write(tenant.certificates)
                        client.reload()
                        expect(await client.exchange(), "200 ok")
                    }
                }
            }
        }
    }
}
