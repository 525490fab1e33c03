// Looks at everything that has to be right before the sidecar can work, one step after the other (`ciam-sidecar doctor`).

internal import AccessTokens
internal import Admin
internal import CurlTransport
internal import Listener
internal import Model
internal import NIOCore
internal import NIOPosix
internal import SessionStores

/// Runs the steps and says each as it goes.
package struct Doctor: Sendable {
    package enum Finding: Sendable, Equatable {
        case fine(String)
        /// It works, and is worth a look.
        case odd(String)
        case wrong(String, fix: String)
        /// Nothing to look at, or a step before failed.
        case skipped(String)
    }

    private let configuration: SidecarConfiguration
    /// Told of each step when it is done.
    private let told: @Sendable (_ step: String, Finding) -> Void

    package init(_ configuration: SidecarConfiguration, told: @escaping @Sendable (_ step: String, Finding) -> Void) {
        (self.configuration, self.told) = (configuration, told)
    }

    /// - Returns: whether nothing is wrong.
    package func examine() async -> Bool {
        var isFine = true
        func report(_ step: String, _ finding: Finding) -> Bool {
            told(step, finding)
            guard case .wrong = finding else { return true }
            isFine = false
            return false
        }
        let (found, names) = await lookUp()
        var reachable = report("dns", names)
        reachable = reachable ? report("tcp", await connect(found)) : report("tcp", .skipped("no address")) && false
        if reachable {
            await throughLibcurl(report)
        } else {
            for step in ["tls", "clock", "access token"] { _ = report(step, .skipped("the tenant cannot be reached")) }
        }
        _ = report("store", await openStore())
        for address in configuration.listen + [configuration.adminListen] {
            _ = report("listen", await listen(address))
        }
        return isFine
    }

    private var origin: TenantOrigin { configuration.transport.origin }

    /// Whether libcurl goes somewhere else than DNS says.
    private var detour: String? {
        if configuration.transport.proxy != nil { return "SIDECAR_UPSTREAM_PROXY is used" }
        return configuration.transport.addresses.isEmpty ? nil : "SIDECAR_RESOLVE is used"
    }

    // MARK: steps

    private func lookUp() async -> (SocketAddress?, Finding) {
        if let detour { return (nil, .skipped(detour)) }
        let host = origin.host
        let (started, port) = (ContinuousClock.now, origin.port)
        let bare = host.utf8.first == UInt8(ascii: "[") ? String(host.dropFirst().dropLast()) : host
        // Waits for the system's resolver: on a thread of its own.
        let address = await Task.detached { try? SocketAddress.makeAddressResolvingHost(bare, port: port) }.value
        guard let address else {
            return (
                nil,
                .wrong(
                    "\(host) has no address",
                    fix:
                        "look at SIDECAR_TENANT_URL for a slip, and at /etc/resolv.conf; inside a cluster, whether names outside it are resolved"
                )
            )
        }
        return (address, .fine("\(host) is \(address.ipAddress ?? "?") (\(Self.since(started)))"))
    }

    private func connect(_ address: SocketAddress?) async -> Finding {
        guard let address else { return .skipped(detour ?? "no address") }
        let started = ContinuousClock.now
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.milliseconds(configuration.transport.connectTimeout.wholeMilliseconds))
                .connect(to: address).get()
            try? await channel.close()
            return .fine("port \(origin.port) answers (\(Self.since(started)))")
        } catch {
            let reason = (error as? IOError).map { SystemError.text($0.errnoCode) } ?? "no answer in time"
            return .wrong(
                "port \(origin.port): \(reason)",
                fix: "is a firewall, a network policy or a proxy in between? SIDECAR_UPSTREAM_PROXY tunnels through one"
            )
        }
    }

    /// TLS, clock and access token: asked the way that requests go.
    private func throughLibcurl(_ report: (String, Finding) -> Bool) async {
        guard
            let client = CurlClient(
                configuration.transport, on: MultiThreadedEventLoopGroup.singleton.next())
        else {
            _ = report("tls", .wrong("libcurl refuses the settings", fix: "look at the TLS settings"))
            return
        }
        let running = Task { await client.run() }
        let (head, tls) = await handshake(client)
        if report("tls", tls) {
            _ = report("clock", Self.clock(head))
            _ = report("access token", await fetch(client))
        } else {
            for step in ["clock", "access token"] { _ = report(step, .skipped("the tenant cannot be reached")) }
        }
        client.close(now: true)
        _ = await running.value
    }

    private func handshake(_ client: CurlClient) async -> (HeaderFields?, Finding) {
        let started = ContinuousClock.now
        do {
            let response = try await client.send(
                UpstreamRequest(
                    method: Array("GET".utf8), target: Array("/".utf8), fields: HeaderFields(), body: .none,
                    timeout: configuration.upstreamTimeout))
            response.body.cancel()
            let trust = origin.scheme == "https" ? "certificate verified" : "no TLS (SIDECAR_ALLOW_INSECURE_TENANT)"
            let text = "\(trust), the tenant answers with \(response.status) (\(Self.since(started)))"
            return (response.fields, origin.scheme == "https" ? .fine(text) : .odd(text))
        } catch {
            return (nil, .wrong("\(error)", fix: Self.fix(error)))
        }
    }

    private static func fix(_ error: TransportError) -> String {
        switch (error.reason, error.code) {
        case (.tls, 60): "the tenant's certificate is not trusted: give its authority in SIDECAR_CA_FILE"
        case (.tls, 90): "the tenant's key is not the pinned one: look at SIDECAR_PINNED_PUBLIC_KEY"
        case (.tls, 58): "look at SIDECAR_CLIENT_CERT_FILE and SIDECAR_CLIENT_KEY_FILE"
        case (.tls, 77): "SIDECAR_CA_FILE cannot be read or holds no certificate"
        case (.tls, _): "does the tenant want a client certificate, or another version of TLS (SIDECAR_TLS_MIN)?"
        case (.unreachable, _): "can SIDECAR_UPSTREAM_PROXY or the address in SIDECAR_RESOLVE be reached?"
        case (.timeout, _), (.connectTimeout, _): "the tenant, or a proxy before it, does not answer in time"
        default: "what answers there is no HTTP server of the kind that is expected"
        }
    }

    private static func clock(_ fields: HeaderFields?) -> Finding {
        guard let date = fields?.first("Date"), let theirs = HTTPDate.read(date) else {
            return .skipped("the tenant sends no Date")
        }
        let ahead = SystemClock().now() - theirs
        let seconds = ahead.components.seconds
        let size = seconds.magnitude
        let text =
            size < 2 ? "agrees with the tenant's" : "\(size) s \(seconds > 0 ? "ahead of" : "behind") the tenant's"
        return size < 60 ? .fine(text) : .wrong(text, fix: "set this host's clock (chrony or systemd-timesyncd)")
    }

    private func fetch(_ client: CurlClient) async -> Finding {
        let started = ContinuousClock.now
        do {
            let token = try await Assembly.fetching(configuration, client).fetch()
            let life = token.life.map { ", ends in \($0.components.seconds) s" } ?? ", its end is not known"
            switch configuration.tokenSource {
            case .fixed: return .odd("fixed: whether the tenant takes it, and for how long, is seen when it is used")
            case .file(let file): return .fine("read from \(file.path)")
            case .clientCredentials: return .fine("fetched (\(Self.since(started)))\(life)")
            }
        } catch {
            let fix =
                switch error {
                case .refused:
                    "look at SIDECAR_CLIENT_ID and SIDECAR_CLIENT_SECRET; some tenants want SIDECAR_TOKEN_AUTH=basic"
                case .file: "does the file exist, can it be read, does it hold the token and nothing else?"
                case .transport, .unreadable: "the tenant's token endpoint does not work; ask whoever runs it"
                }
            return .wrong("\(error)", fix: fix)
        }
    }

    private func openStore() async -> Finding {
        let path: String
        switch configuration.store {
        case .memory: return .odd("memory: sessions are gone at every restart")
        case .redis(let settings): return await reachStore(settings)
        case .sqlite(let file): path = file
        }
        // It is made by who will use it.
        if !SecretFile(path: path).isThere { return Self.room(for: path) }
        do {
            let store = try SQLiteStore(path: path, key: configuration.storeKey, oldKeys: configuration.storeOldKeys)
            let written: Finding
            do {
                try await store.probe()
                written = .fine("\(path) can be written")
            } catch {
                written = .wrong("\(path): \(error)", fix: "is the disk full or read-only?")
            }
            await store.close()
            return written
        } catch .owned(_, let pid) {
            return .fine("\(path) is in use by pid \(pid.map { "\($0)" } ?? "?"), a sidecar that runs")
        } catch {
            return .wrong(
                StartFailure.store(error).line, fix: Self.placeForStore)
        }
    }

    /// Whether a file can be made, and the folders above it that are missing.
    private static func room(for path: String) -> Finding {
        var folder = path
        repeat {
            folder = folder.lastIndex(of: "/").map { String(folder[..<$0]) } ?? "."
        } while !folder.isEmpty && !SecretFile(path: folder).isThere
        if folder.isEmpty { folder = "/" }
        let text = "\(path) is not there yet"
        guard let problem = SecretFile(path: folder).problemForNewFiles else {
            return .fine("\(text), and can be made")
        }
        return .wrong("\(text), and cannot be made: \(problem)", fix: placeForStore)
    }

    private static let placeForStore =
        "SIDECAR_STORE_URL names a place that this user can write to; `memory:` needs none"

    private func reachStore(_ settings: RedisSettings) async -> Finding {
        let started = ContinuousClock.now
        do throws(RedisOpenError) {
            let facts = try await RedisStore.examine(
                settings, key: configuration.storeKey ?? [], oldKeys: configuration.storeOldKeys)
            guard let facts else { return .fine("\(settings.text) can be written (\(Self.since(started)))") }
            let text = "\(settings.text) is \(facts.product) and can be written (\(Self.since(started)))"
            if facts.mayEvict { return .odd("\(text); it may throw sessions away: set maxmemory-policy to noeviction") }
            return facts.isAppending
                ? .fine(text) : .odd("\(text); appendonly is off: sessions may be gone when it is started again")
        } catch {
            switch error {
            case .refused(let refusal):
                return .wrong(
                    StartFailure.store(.redis(place: settings.text, refusal)).line, fix: "look at SeveralReplicas.md")
            case .trouble(let trouble):
                return .wrong(
                    "\(settings.text): \(Readiness.Reason.store(trouble).text)",
                    fix: "SeveralReplicas.md has a row for each of these")
            }
        }
    }

    private func listen(_ address: ListenAddress) async -> Finding {
        switch address {
        case .tcp(let host, let port): await listen(address, host, port)
        case .unix(let path): await listen(address, path)
        case .inherited: .fine("\(address.text) is open already")
        }
    }

    private func listen(_ address: ListenAddress, _ path: String) async -> Finding {
        guard let problem = UnixSocketFile.problem(path) else { return .fine("\(address.text) is free") }
        if problem == .inUse, await isRunning { return .fine("\(address.text) is in use, and a sidecar runs") }
        return .wrong("\(address.text): \(StartFailure.text(problem))", fix: "choose another place in SIDECAR_LISTEN")
    }

    private func listen(_ address: ListenAddress, _ host: String, _ port: Int) async -> Finding {
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1).bind(host: host, port: port).get()
            try? await channel.close()
            return .fine("\(address.text) is free")
        } catch {
            let errno = (error as? IOError)?.errnoCode ?? 0
            if await isRunning { return .fine("\(address.text) is in use, and a sidecar runs") }
            return .wrong(
                "\(address.text): \(SystemError.text(errno))",
                fix: "end what listens there, or choose another port in SIDECAR_LISTEN or SIDECAR_ADMIN_LISTEN")
        }
    }

    private var isRunning: Bool {
        get async { await HealthProbe(configuration.adminListen).ask("/livez") == .healthy }
    }

    private static func since(_ started: ContinuousClock.Instant) -> String {
        "\((ContinuousClock.now - started).wholeMilliseconds) ms"
    }
}
