// T1: an access token for the application's own id and secret.

internal import JSONText
package import Model
internal import Tenant

/// The client credentials grant (RFC 6749 section 4.4; tenant row T1). The secret goes into the form or a Basic header, never
/// into the query string.
package struct ClientCredentialsGrant: AccessTokenFetching {
    /// How the client proves who it is (`SIDECAR_TOKEN_AUTH`).
    package enum Authentication: String, CaseIterable, Sendable { case form, basic }

    private let transport: any UpstreamTransport
    private let clientID: SecretText
    private let clientSecret: SecretText
    private let authentication: Authentication
    private let timeout: Duration

    private static let longestAnswer = 65_536

    package init(
        transport: any UpstreamTransport, clientID: SecretText, clientSecret: SecretText,
        authentication: Authentication,
        timeout: Duration
    ) {
        (self.transport, self.clientID, self.clientSecret) = (transport, clientID, clientSecret)
        (self.authentication, self.timeout) = (authentication, timeout)
    }

    package var isRenewable: Bool { true }
    package func changeMark() -> AccessTokenMark? { nil }

    package func fetch() async throws(TokenFetchError) -> FetchedToken {
        let status: Int
        let body: [UInt8]
        do {
            let response = try await transport.send(request())
            status = response.status
            body = try await response.body.collect(upTo: Self.longestAnswer)
        } catch let error as TransportError {
            throw .transport(error)
        } catch {
            throw .transport(TransportError(.broken, maybeSent: true))
        }
        guard status == 200 else { throw .refused(status: status, code: Self.code(body)) }
        guard let answer = TokenAnswer(body: body) else { throw .unreadable }
        return FetchedToken(token: answer.token, life: answer.life)
    }

    private func request() -> UpstreamRequest {
        var fields = HeaderFields()
        fields.append(.contentType, "application/x-www-form-urlencoded")
        fields.append("Accept", "application/json")
        var form = Array("grant_type=client_credentials".utf8)
        switch authentication {
        case .form:
            form += Array("&client_id=".utf8) + Self.formEncoded(clientID.bytes)
            form += Array("&client_secret=".utf8) + Self.formEncoded(clientSecret.bytes)
        case .basic:
            let pair = clientID.bytes + [UInt8(ascii: ":")] + clientSecret.bytes
            fields.append(.authorization, Array("Basic ".utf8) + Base64.encode(pair))
        }
        return UpstreamRequest(
            method: Array("POST".utf8), target: Array("/api/v2/tenant/token".utf8), fields: fields, body: .bytes(form),
            timeout: timeout)
    }

    private static func formEncoded(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "*"):
                [byte]
            default: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0x0F)]]
            }
        }
    }

    /// The tenant's error code if it looks like one: it may go into a log.
    private static func code(_ body: [UInt8]) -> String {
        let object = try? JSONObject(body)
        guard let code = object?.string("error") ?? object?.string("error_code"), (1...40).contains(code.count),
            code.allSatisfy({
                ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F
                    || $0 == 0x2E
            })
        else { return "-" }
        return String(decoding: code, as: UTF8.self)
    }
}
