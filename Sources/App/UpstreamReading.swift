// The settings of the way to the tenant: where it is, whom to trust, how to get there.

internal import CurlTransport
internal import Model
internal import NIOCore

extension SidecarConfiguration {
    static func transport(_ reader: inout SettingsReader) -> CurlSettings {
        let origin = origin(&reader) ?? TenantOrigin(scheme: "https", host: "unset", port: 443)
        var settings = CurlSettings(origin: origin)
        settings.version = reader.choice("UPSTREAM_HTTP", settings.version)
        settings.lane = reader.choice("UPSTREAM_LANE", settings.lane)
        settings.authorities = file(&reader, "CA_FILE", of: .certificates)
        settings.usesSystemAuthorities = reader.flag("SYSTEM_CA", true)
        if !settings.usesSystemAuthorities, settings.authorities == nil {
            reader.fault("SYSTEM_CA", "is false, so SIDECAR_CA_FILE has to name the authorities to trust")
        }
        settings.tlsMinimum = reader.choice("TLS_MIN", settings.tlsMinimum)
        settings.clientCertificate = clientCertificate(&reader)
        settings.pinnedKeys = pinnedKeys(&reader)
        settings.proxy = proxy(&reader)
        settings.addresses = addresses(&reader)
        settings.connectTimeout = reader.duration("CONNECT_TIMEOUT", settings.connectTimeout)
        settings.totalTimeout = reader.durationOrOff("TOTAL_TIMEOUT")
        return settings
    }

    /// Both files, or a fault for the one that is missing.
    /// - Parameter prefix: `STORE_` for the store's.
    static func clientCertificate(_ reader: inout SettingsReader, prefix: String = "")
        -> (certificate: String, key: String)?
    {
        let (certificateName, keyName) = (prefix + "CLIENT_CERT_FILE", prefix + "CLIENT_KEY_FILE")
        let certificate = file(&reader, certificateName, of: .certificates)
        let key = file(&reader, keyName, of: .privateKey)
        switch (certificate, key) {
        case (.some(let certificate), .some(let key)): return (certificate, key)
        case (.some, nil) where reader.text(keyName) == nil:
            reader.fault(certificateName, "needs SIDECAR_\(keyName)")
        case (nil, .some) where reader.text(certificateName) == nil:
            reader.fault(keyName, "needs SIDECAR_\(certificateName)")
        default: break
        }
        return nil
    }

    private static func origin(_ reader: inout SettingsReader) -> TenantOrigin? {
        let insecure = reader.flag("ALLOW_INSECURE_TENANT", false)
        guard let text = reader.text("TENANT_URL") else {
            if !reader.faults.contains(where: { $0.name == "SIDECAR_TENANT_URL" }) {
                reader.fault("TENANT_URL", "is required: the tenant's address, such as https://example.bccastle.com")
            }
            return nil
        }
        switch TenantOrigin.read(text) {
        case .success(let origin) where origin.scheme == "https" || insecure: return origin
        case .success:
            reader.fault(
                "TENANT_URL", "must begin with https:// (http:// only with SIDECAR_ALLOW_INSECURE_TENANT=true)")
        case .failure(let reason): reader.fault("TENANT_URL", reason.problem)
        }
        return nil
    }

    /// Several pins let a key be changed without a break.
    private static func pinnedKeys(_ reader: inout SettingsReader) -> String? {
        let pins = reader.list("PINNED_PUBLIC_KEY")
        let prefix = "sha256//"
        let isGood = pins.allSatisfy { pin in
            pin.hasPrefix(prefix) && Base64.decode(Array(pin.utf8.dropFirst(prefix.utf8.count)))?.count == 32
        }
        guard isGood else {
            reader.fault(
                "PINNED_PUBLIC_KEY",
                "has to be sha256//BASE64 of the key's SHA-256, several with commas; OwnAuthority.md tells how to get it"
            )
            return nil
        }
        return pins.isEmpty ? nil : pins.joined(separator: ";")
    }

    /// Never from `https_proxy` and its like: what carries the bearer is decided here alone.
    private static func proxy(_ reader: inout SettingsReader) -> String? {
        guard let bytes = reader.secret("UPSTREAM_PROXY") else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        let scheme = "http://"
        let place = text.dropFirst(scheme.count).split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        var isGood = text.hasPrefix(scheme) && bytes.allSatisfy(VisibleASCII.contains) && place.contains(":")
        if case .failure = TenantOrigin.read(scheme + place) { isGood = false }
        if isGood { return text }
        reader.fault("UPSTREAM_PROXY", "has to be http://[user:password@]host:port")
        return nil
    }

    private static func addresses(_ reader: inout SettingsReader) -> [String] {
        let lines = reader.list("RESOLVE")
        let isGood = lines.allSatisfy { line in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map { String($0) }
            guard parts.count == 3, !parts[0].isEmpty, let port = ASCII.decimal(Array(parts[1].utf8)[...]),
                (1...65_535).contains(port)
            else { return false }
            let address =
                parts[2].hasPrefix("[") && parts[2].hasSuffix("]") ? String(parts[2].dropFirst().dropLast()) : parts[2]
            return (try? SocketAddress(ipAddress: address, port: 0)) != nil
        }
        if !isGood { reader.fault("RESOLVE", "has to be host:port:address, several with commas") }
        return isGood ? lines : []
    }
}
