// The settings of the session store: where it is, what seals it, who may use it.

internal import Model
internal import SessionStores

extension SidecarConfiguration {
    /// Where sessions are kept.
    enum Store: Sendable {
        case memory
        case sqlite(path: String)
        case redis(RedisSettings)

        /// As the status page calls it.
        var name: String {
            switch self {
            case .memory: "memory"
            case .sqlite: "sqlite"
            case .redis: "redis"
            }
        }
    }

    /// - Parameter tenant: sessions of several tenants may share a server.
    static func store(_ reader: inout SettingsReader, _ environment: [String: String], _ tenant: TenantOrigin) -> Store
    {
        let store = place(&reader, environment, tenant)
        if case .redis = store {
            if reader.text("STORE_KEY") == nil, reader.text("STORE_KEY_FILE") == nil {
                reader.fault(
                    "STORE_KEY", "is required for a shared store: 32 bytes in base64, the same for every replica")
            }
            return store
        }
        for name in [
            "USER", "PASSWORD", "CA_FILE", "CLIENT_CERT_FILE", "CLIENT_KEY_FILE", "NAMESPACE", "TIMEOUT", "DOWN",
        ]
        where reader.text("STORE_" + name) != nil {
            reader.fault("STORE_" + name, "is for a shared store alone: SIDECAR_STORE_URL with redis:// or the like")
        }
        return store
    }

    private static func place(
        _ reader: inout SettingsReader, _ environment: [String: String], _ tenant: TenantOrigin
    ) -> Store {
        guard let text = reader.text("STORE_URL") else {
            let folder =
                environment["STATE_DIRECTORY"] ?? environment["XDG_STATE_HOME"] ?? (environment["HOME"] ?? "/var/lib")
                + "/.local/state"
            return .sqlite(path: folder + "/ciam-sidecar/sessions.db")
        }
        func rest(_ scheme: String) -> String? {
            text.utf8.starts(with: scheme.utf8)
                ? String(decoding: text.utf8.dropFirst(scheme.utf8.count), as: UTF8.self) : nil
        }
        if text.utf8.elementsEqual("memory:".utf8) { return .memory }
        if let path = rest("sqlite:"), !path.isEmpty { return .sqlite(path: path) }
        if let path = rest("redis+unix://"), path.utf8.first == UInt8(ascii: "/") {
            return .redis(redis(&reader, RedisSettings(place: .unix(path: path)), isSecure: false, tenant))
        }
        for (scheme, isSecure) in [("redis://", false), ("rediss://", true)] {
            guard let rest = rest(scheme) else { continue }
            return server(&reader, rest, isSecure, tenant)
        }
        reader.fault(
            "STORE_URL",
            "has to be sqlite:PATH, memory:, redis://host:port, rediss://host:port (TLS) or redis+unix:///PATH")
        return .memory
    }

    /// `host[:port][/database]`
    private static func server(
        _ reader: inout SettingsReader, _ text: String, _ isSecure: Bool, _ tenant: TenantOrigin
    ) -> Store {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let authority = parts.first.map { String($0) } ?? ""
        if authority.contains("@") {
            reader.fault(
                "STORE_URL", "holds a user or password; give them in SIDECAR_STORE_USER and SIDECAR_STORE_PASSWORD")
            return .memory
        }
        if authority.contains(",") {
            reader.fault("STORE_URL", "names several servers; it has to be one that has all keys (SeveralReplicas.md)")
            return .memory
        }
        let after = authority.split(separator: "]", omittingEmptySubsequences: false).last ?? ""
        guard
            case .success(let origin) = TenantOrigin.read("http://" + authority + (after.contains(":") ? "" : ":6379"))
        else {
            reader.fault("STORE_URL", "has no valid host and port")
            return .memory
        }
        let isBracketed = origin.host.utf8.first == UInt8(ascii: "[")
        let host = isBracketed ? String(origin.host.dropFirst().dropLast()) : origin.host
        var settings = RedisSettings(place: .tcp(host: host, port: origin.port))
        if parts.count == 2, !parts[1].isEmpty {
            guard let number = ASCII.decimal(Array(parts[1].utf8)[...]) else {
                reader.fault("STORE_URL", "has to end after the port, or with the number of a database such as /0")
                return .memory
            }
            settings.database = number
        }
        return .redis(redis(&reader, settings, isSecure: isSecure, tenant))
    }

    private static func redis(
        _ reader: inout SettingsReader, _ place: RedisSettings, isSecure: Bool, _ tenant: TenantOrigin
    ) -> RedisSettings {
        var settings = place
        settings.user = reader.text("STORE_USER").map { Array($0.utf8) }
        settings.password = reader.secret("STORE_PASSWORD")
        if settings.user != nil, settings.password == nil {
            reader.fault("STORE_USER", "needs SIDECAR_STORE_PASSWORD")
        }
        let namespace = reader.text("STORE_NAMESPACE")
        settings.namespace = namespace ?? tenant.host + (tenant.port == 443 ? "" : ":\(tenant.port)")
        if let namespace, !namespace.utf8.allSatisfy(VisibleASCII.contains) {
            reader.fault("STORE_NAMESPACE", "has to be visible ASCII")
        }
        settings.timeout = reader.duration("STORE_TIMEOUT", settings.timeout)
        guard isSecure else {
            for name in ["CA_FILE", "CLIENT_CERT_FILE", "CLIENT_KEY_FILE"] where reader.text("STORE_" + name) != nil {
                reader.fault("STORE_" + name, "is for rediss:// alone")
            }
            return settings
        }
        var tls = RedisSettings.TLS()
        tls.authorities = file(&reader, "STORE_CA_FILE", of: .certificates)
        tls.clientCertificate = clientCertificate(&reader, prefix: "STORE_")
        settings.tls = tls
        return settings
    }

    static func storeKey(_ reader: inout SettingsReader) -> [UInt8]? {
        guard let text = reader.secret("STORE_KEY") else { return nil }
        if let key = Base64.decode(text), key.count == 32 { return key }
        reader.fault("STORE_KEY", "has to be 32 bytes in base64, such as `openssl rand -base64 32` prints")
        return nil
    }

    static func storeOldKeys(_ reader: inout SettingsReader) -> [[UInt8]] {
        guard let text = reader.secret("STORE_OLD_KEYS") else { return [] }
        let keys = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .map { Base64.decode(Array(ASCII.trimmed($0))) }
        if keys.allSatisfy({ $0?.count == 32 }) { return keys.compactMap { $0 } }
        reader.fault("STORE_OLD_KEYS", "has to be keys of 32 bytes in base64, separated by single commas")
        return []
    }
}
