// What is put into a request.

internal import HTTP1
internal import Injection
internal import JSONText
internal import Model
internal import Tenant
internal import TestSupport

extension Benchmark {
    private static func scene(bearer: Int) throws -> (CredentialInjector, Credentials, Route) {
        let devices = DeviceDefaults(
            operatingSystem: bytes("Linux"), address: bytes("192.0.2.1"), agent: bytes("agent"))
        let fields = HeaderFields()
        let credentials = Credentials(
            accessToken: try .sample(String(repeating: "a", count: bearer)),
            device: devices.facts(fields: fields, peer: nil, fingerprint: try .sample("fp-0123456789")),
            sessionToken: try .sample("session-token-of-forty-characters-000001"), requestID: bytes("request-1"))
        let injector = CredentialInjector(
            forwarded: ForwardedFields(dropped: [.sidecarUser]), contentType: bytes("application/json"), clientID: nil,
            tenantID: nil)
        let route = Route(row: "T3", family: .tenant, devices: .body, token: .body, session: .uses)
        return (injector, credentials, route)
    }

    private static func head(bearer: Int) -> Benchmark {
        Benchmark("request head built (bearer of \(bearer) bytes)", rounds: 100_000) { _ in
            let (injector, credentials, route) = try scene(bearer: bearer)
            let fields = HeaderFields([
                "Host": "127.0.0.1", "X-Sidecar-User": "user-000001", "Content-Type": "application/json",
                "Content-Length": "150", "Accept": "application/json", "User-Agent": "legacy-app/1.0",
            ])
            let place = RequestWriter.Place(authority: bytes("tenant.example"))
            return { rounds in
                for _ in 0..<rounds {
                    let request = UpstreamRequest(
                        method: bytes("POST"), target: bytes("/api/v2/tenant/sso/session-token/sso-ticket"),
                        fields: injector.fields(fields, for: route, credentials), body: .none, timeout: .seconds(5))
                    let out = RequestWriter.head(request, to: place)
                    try check(out.count > bearer + 100, "a head is too short")
                }
            }
        }
    }

    static let injection = [
        Benchmark("JSON body read and injected into", rounds: 50_000) { _ in
            let (injector, credentials, route) = try scene(bearer: 40)
            let body = bytes(Self.body)
            return { rounds in
                for _ in 0..<rounds {
                    let injected = injector.body(try JSONObject(body), for: route, credentials)
                    try check(injected.count > body.count + 100, "nothing was injected")
                }
            }
        },
        head(bearer: 40), head(bearer: 1200),
    ]
}
