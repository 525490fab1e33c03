// Injection over generated bodies, read again by another reader than the one that injects.

import Injection
import JSONText
import Model
import Tenant
import TenantEmulator
import TestSupport
import Testing

struct InjectionPropertyTests {
    private let injector = CredentialInjector(
        forwarded: ForwardedFields(dropped: []), contentType: bytes("application/json"), clientID: nil, tenantID: nil)
    private let route = Route(row: "T2", family: .tenant, devices: .body, token: .body, session: .rotates)
    /// Values that need escapes.
    private let device: DeviceFacts
    private let token: SessionToken

    init() throws {
        device = DeviceFacts(
            operatingSystem: bytes("OS \"1\"\\"), address: bytes("192.0.2.1"), agent: bytes("é/😀"),
            fingerprint: try .sample("fp\u{2028}"))
        token = try .sample("T\"\\1")
    }

    private var credentials: Credentials {
        Credentials(accessToken: nil, device: device, sessionToken: token, requestID: bytes("r"))
    }

    private static let injected = [
        "operating_sys_version", "device_ip", "agent", "device_fingerprint", "session_token",
    ]

    /// The document is the same but for the injected members, and each of those is there once with the right value.
    private func expectInjected(_ document: [UInt8], _ before: JSONValue) throws {
        let after = try JSONReading.object(injector.body(try JSONObject(document), for: route, credentials))
        guard case .object(let old) = before, case .object(let new) = after else { throw BadSample(what: "no object") }
        let names = Set(Self.injected.map { ExactText($0) })
        #expect(old.filter { !names.contains($0.name) } == new.filter { !names.contains($0.name) }, "\(text(document))")
        for name in Self.injected { #expect(new.filter { $0.name == ExactText(name) }.count == 1, "\(text(document))") }
        #expect(after["session_token"]?.string == text(token.bytes))
        #expect(after["device_fingerprint"]?.string == text(device.fingerprint.bytes))
        for (name, own) in [
            ("operating_sys_version", device.operatingSystem), ("device_ip", device.address), ("agent", device.agent),
        ] {
            let sent = before[name].flatMap { $0 == .null || $0.string?.isEmpty == true ? nil : $0 }
            #expect(after[name] == sent ?? .text(text(own)), "\(text(document))")
        }
    }

    @Test func hundredThousandGoodBodies() async throws {
        var generator = DocumentGenerator(seed: 7)
        for round in 0..<100_000 {
            await letOthersGoOn(round)
            let document = generator.document(generator.members())
            try expectInjected(document, try JSONReading.object(document))
        }
    }

    /// What one reader takes, the other takes too, and injection holds there as well.
    @Test func hundredThousandDamagedBodies() async throws {
        var generator = DocumentGenerator(seed: 8)
        var taken = 0
        for round in 0..<100_000 {
            await letOthersGoOn(round)
            let document = generator.damaged(generator.document(generator.members()))
            let ours = try? JSONObject(document)
            let theirs = try? JSONReading.object(document.isEmpty ? bytes("{}") : document)
            #expect((ours != nil) == (theirs != nil), "\(text(document))")
            guard ours != nil, let theirs else { continue }
            taken += 1
            try expectInjected(document, theirs)
        }
        // Both kinds are there in numbers.
        #expect((10_000...90_000).contains(taken), "\(taken)")
    }
}
