// From environment variables to a configuration.

internal import AccessTokens
internal import CurlTransport
internal import Guard
internal import Injection
internal import Listener
internal import Logging
internal import Model
internal import Pipeline
internal import Sessions
internal import Tenant

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

extension SidecarConfiguration {
    private enum Profile: String, CaseIterable { case ciam, eiam, oneaccess }
    private enum LogLevel: String, CaseIterable { case debug, info, warning, error }

    /// Reads every setting.
    /// - Throws: `ConfigurationFaults` with everything that is wrong.
    package init(environment: [String: String]) throws(ConfigurationFaults) {
        var reader = SettingsReader(environment: environment)
        reader.refuseUnknownNames()
        transport = Self.transport(&reader)
        let tokenSource = Self.tokenSource(&reader)
        let localToken = reader.secretText("LOCAL_TOKEN")
        let sockets = ServiceManager.sockets(environment, pid: getpid())
        let listen = Self.listen(&reader, sockets, hasLocalToken: localToken != nil)
        let admin = Self.adminListen(&reader)
        let policy = Self.guardPolicy(&reader, listen: listen, localToken: localToken)
        let store = Self.store(&reader, environment, transport.origin)
        let storeKey = Self.storeKey(&reader)
        upstreamTimeout = reader.duration("UPSTREAM_TIMEOUT", .seconds(30))
        self.tokenSource = tokenSource ?? .file(SecretFile(path: ""))
        (self.listen, adminListen, guardPolicy) = (listen, admin, policy)
        forwarded = ForwardedFields(dropped: [policy.userHeader] + (policy.requiredHeader.map { [$0.name] } ?? []))
        profile = Self.profile(&reader)
        tokenEndpoint = reader.choice("TOKEN_ENDPOINT", TokenEndpoint.refuse)
        passthrough = Self.passthrough(&reader)
        (self.store, self.storeKey, storeOldKeys) = (store, storeKey, Self.storeOldKeys(&reader))
        rotation = Self.rotation(&reader, profile)
        keepFresh = reader.durationOrOff("KEEP_FRESH")
        maximumSessions = reader.count("MAX_SESSIONS", 1_000_000)
        devices = Self.devices(&reader)
        clientID = Self.headerText(&reader, "CLIENT_ID")
        tenantID = Self.headerText(&reader, "TENANT_ID")
        fingerprint = Self.fingerprint(&reader)
        fingerprintKey = reader.secret("FINGERPRINT_KEY")
        fingerprintMismatch = reader.choice("FINGERPRINT_MISMATCH", FingerprintPins.Mismatch.override)
        bodies = BodyLimits(
            injected: reader.size("MAX_BODY", 1 << 20), streamed: reader.size("MAX_STREAM_BODY", 1 << 30))
        var connections = ConnectionLimits()
        connections.idle = reader.duration("IDLE_TIMEOUT", .seconds(75))
        connections.header = reader.duration("HEADER_TIMEOUT", .seconds(10))
        connections.body = reader.duration("BODY_TIMEOUT", .seconds(30))
        connections.connections = reader.count("MAX_CONNECTIONS", connections.connections)
        connections.inFlight = reader.count("MAX_IN_FLIGHT", connections.inFlight)
        connections.queue = reader.duration("QUEUE_TIMEOUT", .seconds(1))
        self.connections = connections
        drainDelay = reader.duration("DRAIN_DELAY", .zero)
        adminQuit = reader.flag("ADMIN_QUIT", false)
        drainTimeout = reader.duration("DRAIN_TIMEOUT", .seconds(25))
        logLevel = Logger.Level(rawValue: reader.choice("LOG_LEVEL", LogLevel.info).rawValue) ?? .info
        logFormat = reader.choice("LOG_FORMAT", LogLines.Format.text)
        hasAccessLog = reader.flag("ACCESS_LOG", false)
        shown = Self.shown(environment)
        manager = ServiceManager(environment: environment, pid: getpid())
        guard reader.faults.isEmpty else { throw ConfigurationFaults(faults: reader.faults) }
    }

    private static func shown(_ environment: [String: String]) -> [(name: String, value: String)] {
        Setting.all.flatMap { setting in
            let file = setting.name + "_FILE"
            let own = environment[setting.name].map { (setting.name, setting.isShown ? $0 : "•••") }
            return [own, setting.isSecret ? environment[file].map { (file, $0) } : nil].compactMap { $0 }
        }
    }

    private static func tokenSource(_ reader: inout SettingsReader) -> TokenSource? {
        let file = reader.text("ACCESS_TOKEN_FILE")
        let fixed = file == nil ? reader.secretText("ACCESS_TOKEN") : nil
        let faultsBefore = reader.faults.count
        let id = reader.text("CLIENT_ID")
        let secret = reader.secretText("CLIENT_SECRET")
        let authentication = reader.choice("TOKEN_AUTH", ClientCredentialsGrant.Authentication.form)
        if file != nil, reader.text("ACCESS_TOKEN") != nil {
            reader.fault("ACCESS_TOKEN", "and SIDECAR_ACCESS_TOKEN_FILE are both set; keep one")
        }
        if secret != nil, fixed != nil || file != nil {
            reader.fault("CLIENT_SECRET", "and a fixed access token are both set; keep one source of access tokens")
        }
        if let file { return .file(SecretFile(path: file)) }
        if let fixed { return .fixed(fixed) }
        if let secret {
            guard let id else {
                reader.fault("CLIENT_ID", "is required with SIDECAR_CLIENT_SECRET")
                return nil
            }
            guard let id = SecretText(Array(id.utf8)) else { return nil }
            return .clientCredentials(id: id, secret: secret, authentication)
        }
        let wasGiven = reader.faults.contains {
            $0.name.utf8.starts(with: "SIDECAR_ACCESS_TOKEN".utf8)
                || $0.name.utf8.starts(with: "SIDECAR_CLIENT_SECRET".utf8)
        }
        if !wasGiven, reader.faults.count == faultsBefore {
            reader.fault(
                "ACCESS_TOKEN",
                "or SIDECAR_CLIENT_ID with SIDECAR_CLIENT_SECRET is required: one source of access tokens")
        }
        return nil
    }

    private static func guardPolicy(_ reader: inout SettingsReader, listen: [ListenAddress], localToken: SecretText?)
        -> AdmissionPolicy
    {
        var policy = AdmissionPolicy()
        policy.localToken = localToken
        policy.hosts = HostPolicy(names: reader.list("ALLOWED_HOSTS") + listen.compactMap(\.hostName))
        policy.origins = Set(reader.list("ALLOWED_ORIGINS").map { Array($0.utf8) })
        if let text = reader.text("REQUIRED_HEADER") {
            let parts = Array(text.utf8).split(
                separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            if parts[0].isEmpty || !parts[0].allSatisfy(ASCII.isTokenCharacter) {
                reader.fault("REQUIRED_HEADER", "has to be Name or Name: value")
            } else {
                policy.requiredHeader = (
                    FieldName(Array(parts[0])), parts.count == 2 ? Array(ASCII.trimmed(parts[1])) : nil
                )
            }
        }
        if let text = reader.text("USER_HEADER") {
            if text.utf8.allSatisfy(ASCII.isTokenCharacter) {
                policy.userHeader = FieldName(Array(text.utf8))
            } else {
                reader.fault("USER_HEADER", "is not a header field name")
            }
        }
        return policy
    }

    private static func passthrough(_ reader: inout SettingsReader) -> [[UInt8]] {
        let prefixes = reader.list("PASSTHROUGH_PATHS")
        if prefixes.contains(where: { $0.utf8.first != UInt8(ascii: "/") }) {
            reader.fault("PASSTHROUGH_PATHS", "has a prefix that does not begin with /")
        }
        if prefixes.contains(where: { !$0.utf8.allSatisfy(VisibleASCII.contains) }) {
            reader.fault(
                "PASSTHROUGH_PATHS", "has a prefix with a blank or what is no ASCII in it; put commas between them")
        }
        return prefixes.map { Array($0.utf8) }
    }

    private static func profile(_ reader: inout SettingsReader) -> TenantProfile {
        var profile: TenantProfile =
            switch reader.choice("PROFILE", Profile.ciam) {
            case .ciam: .ciam
            case .eiam: .eiam
            case .oneaccess: .oneAccess
            }
        let codes = reader.list("DEAD_SESSION_CODES")
        if !codes.allSatisfy({ $0.utf8.allSatisfy(VisibleASCII.contains) }) {
            reader.fault("DEAD_SESSION_CODES", "has a code with a blank or a control character")
        } else if !codes.isEmpty {
            profile.deadSessionCodes = codes
        }
        return profile
    }

    private static func rotation(_ reader: inout SettingsReader, _ profile: TenantProfile) -> RotationPolicy {
        var policy = RotationPolicy()
        policy.keepsIDTokens = profile.offersIDTokens
        policy.refreshWait = reader.duration("REFRESH_WAIT", policy.refreshWait)
        policy.refreshAhead = reader.duration("REFRESH_AHEAD", policy.refreshAhead)
        policy.minimumInterval = reader.duration("REFRESH_MIN_INTERVAL", policy.minimumInterval)
        policy.grace = reader.duration("ROTATION_GRACE", policy.grace)
        policy.lostAnswer = reader.choice("LOST_ANSWER", policy.lostAnswer)
        policy.settle = reader.duration("LOST_ANSWER_SETTLE", policy.settle)
        policy.storeDown = reader.choice("STORE_DOWN", policy.storeDown)
        policy.memoryLimit = reader.count("CACHE_SESSIONS", policy.memoryLimit)
        return policy
    }

    private static func devices(_ reader: inout SettingsReader) -> DeviceDefaults {
        DeviceDefaults(
            operatingSystem: headerText(&reader, "OPERATING_SYS_VERSION") ?? HostFacts.operatingSystem(),
            address: headerText(&reader, "DEVICE_IP") ?? HostFacts.address(),
            agent: headerText(&reader, "AGENT") ?? Array("ciam-sidecar".utf8))
    }

    private static func fingerprint(_ reader: inout SettingsReader) -> DeviceFingerprint? {
        guard let text = reader.text("DEVICE_FINGERPRINT") else { return nil }
        if let fingerprint = DeviceFingerprint(Array(text.utf8)) { return fingerprint }
        reader.fault("DEVICE_FINGERPRINT", "has to be at most 1024 bytes without control characters")
        return nil
    }

    /// Text that may stand in a header field: no control characters.
    private static func headerText(_ reader: inout SettingsReader, _ name: String) -> [UInt8]? {
        guard let text = reader.text(name) else { return nil }
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) { return Array(text.utf8) }
        reader.fault(name, "holds a control character")
        return nil
    }

    static func file(_ reader: inout SettingsReader, _ name: String, of wanted: PEMFile.Content) -> String? {
        guard let path = reader.text(name) else { return nil }
        do { try SecretFile(path: path).check(wanted) } catch { reader.fault(name, error.problem) }
        return path
    }
}
