// What an envelope holds, opened by its owner, and where its key and time come from.

import CryptoExtras
import FoundationEssentials
import Model
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import SessionEnvelope

/// A tenant's key pair and clock, and how often they were asked for.
private final class FakeTenant: EnvelopeFetching {
    struct State {
        var key: [UInt8]
        var pem: String
        var timestamp = #""1800000000000""#
        var fetches = 0
        var fault: EnvelopeFault?
    }

    let state: NIOLockedValueBox<State>

    init(bits: Int = 2048) throws {
        let key = try _RSA.Encryption.PrivateKey(unsafeKeySize: .init(bitCount: bits))
        state = NIOLockedValueBox(State(key: Array(key.derRepresentation), pem: key.publicKey.pemRepresentation))
    }

    func publicKey() async throws(EnvelopeFault) -> [UInt8] {
        let (pem, fault) = state.withLockedValue { state in
            state.fetches += 1
            return (state.pem, state.fault)
        }
        if let fault { throw fault }
        return bytes(#"{"public_key":"\#(pem.replacing("\n", with: "\\n"))"}"#)
    }

    func serverDate() async throws(EnvelopeFault) -> [UInt8] {
        bytes(#"{"timestamp":\#(state.withLockedValue(\.timestamp))}"#)
    }

    func open(_ sealed: SealedToken) throws -> String {
        let key = try _RSA.Encryption.PrivateKey(unsafeDERRepresentation: state.withLockedValue(\.key))
        let bytes = try #require(Base64.decode(sealed.text))
        return text(Array(try key.decrypt(bytes, padding: .PKCS1_OAEP_SHA256)))
    }
}

struct EnvelopeTests {
    @Test func tokenTimeAndANonceOfItsOwn() async throws {
        let (tenant, source) = (try FakeTenant(), EnvelopeSource())
        var texts: Set<String> = []
        for _ in 0..<3 {
            let opened = try tenant.open(try await source.seal(try .sample("T+/=&1"), fetching: tenant))
            #expect(opened.hasPrefix("session_token=T+/=&1&timestamp=18000000"))
            texts.insert(opened)
        }
        #expect(texts.count == 3 && tenant.state.withLockedValue(\.fetches) == 1)
    }

    @Test(arguments: [(2048, 190), (3072, 318), (4096, 446)])
    func whatAKeyCanSeal(_ bits: Int, _ capacity: Int) async throws {
        let (tenant, source) = (try FakeTenant(bits: bits), EnvelopeSource())
        // The nonce has up to 16 digits; a token that leaves room for them always fits.
        let longest = capacity - "session_token=&timestamp=1800000000000&nonce=0123456789abcdef".utf8.count
        let token = try SessionToken.sample(String(repeating: "t", count: longest))
        #expect(try tenant.open(try await source.seal(token, fetching: tenant)).contains("nonce="))
        let longer = try SessionToken.sample(String(repeating: "t", count: capacity))
        await #expect(throws: EnvelopeFault.tokenTooLong) { try await source.seal(longer, fetching: tenant) }
    }

    @Test func aShortKeyIsRefused() async throws {
        let (tenant, source) = (try FakeTenant(bits: 1024), EnvelopeSource())
        await #expect(throws: EnvelopeFault.keyTooShort) { try await source.seal(try .sample("T"), fetching: tenant) }
    }

    /// PEM with any line ends, PEM on one line, and the bare base64 of it.
    @Test func theSpellingsOfAKey() throws {
        let pem = try _RSA.Encryption.PrivateKey(keySize: .bits2048).publicKey.pemRepresentation
        let bare = pem.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
        for spelling in [
            pem.replacing("\n", with: "\\n"), pem.replacing("\n", with: "\\r\\n"), bare, bare + "\\n",
            pem.replacing("\n", with: "\\n") + "\\n\\n",
        ] {
            #expect(throws: Never.self) { try EnvelopeKey(answer: bytes(#"{"public_key":"\#(spelling)"}"#)) }
        }
        for wrong in [#"{"public_key":"x"}"#, #"{"public_key":""}"#, "{}", "", #"{"public_key":17}"#, "[]"] {
            #expect(throws: EnvelopeFault.unreadable) { try EnvelopeKey(answer: bytes(wrong)) }
        }
    }

    @Test func theTenantsClockGoesOnFromTheMiddleOfItsReading() throws {
        let sent = ContinuousClock.now
        let clock = try #require(
            ServerClock(
                answer: bytes(#"{"timestamp":"1800000000000"}"#), sent: sent, received: sent + .milliseconds(200)))
        #expect(clock.timestamp(at: sent + .milliseconds(100)) == 1_800_000_000_000)
        #expect(clock.timestamp(at: sent + .milliseconds(61_100)) == 1_800_000_061_000)
        let seconds = try #require(
            ServerClock(answer: bytes(#"{"timestamp":1800000000}"#), sent: sent, received: sent))
        #expect(seconds.timestamp(at: sent + .milliseconds(2500)) == 1_800_000_002)
    }

    @Test(arguments: [
        "{}", #"{"timestamp":""}"#, #"{"timestamp":"-5"}"#, #"{"timestamp":"2026-11-25"}"#, #"{"timestamp":1e3}"#,
        #"{"timestamp":"99999999999999999999"}"#, #"{"timestamp":null}"#, "",
    ])
    func noTime(_ answer: String) {
        #expect(ServerClock(answer: bytes(answer), sent: .now, received: .now) == nil)
    }

    @Test func manyAtOnceFetchOnceAndAFaultIsNotKept() async throws {
        let (tenant, source) = (try FakeTenant(), EnvelopeSource())
        tenant.state.withLockedValue { $0.fault = .unreadable }
        await #expect(throws: EnvelopeFault.unreadable) { try await source.seal(try .sample("T"), fetching: tenant) }
        tenant.state.withLockedValue { ($0.fault, $0.fetches) = (nil, 0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await source.seal(try .sample("T"), fetching: tenant) } }
            try await group.waitForAll()
        }
        #expect(tenant.state.withLockedValue(\.fetches) == 1)
    }

    /// Many refusals of one edition fetch once; a refusal of an old edition changes nothing.
    @Test func aRefusedEnvelopeFetchesAnew() async throws {
        let (tenant, source) = (try FakeTenant(), EnvelopeSource())
        let first = try await source.seal(try .sample("T"), fetching: tenant)
        source.refused(first)
        source.refused(first)
        let second = try await source.seal(try .sample("T"), fetching: tenant)
        #expect(second.edition > first.edition)
        source.refused(first)
        _ = try await source.seal(try .sample("T"), fetching: tenant)
        #expect(tenant.state.withLockedValue(\.fetches) == 2)
    }
}
