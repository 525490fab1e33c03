// Every setting there is: the one table behind reading, `--help`, the documentation and the check for unknown names.

/// One environment variable.
package struct Setting: Sendable {
    package let name: String
    /// As the documentation shows it; empty for none.
    package let fallback: String
    package let meaning: String
    /// Has a `_FILE` twin and never shows its value.
    package let isSecret: Bool

    /// Whether its value may be seen on the status page.
    var isShown: Bool { !isSecret && !Self.confidential.contains(name) }
    private static let confidential = ["SIDECAR_DEVICE_FINGERPRINT", "SIDECAR_REQUIRED_HEADER"]

    init(_ name: String, _ fallback: String, _ meaning: String, isSecret: Bool = false) {
        (self.name, self.fallback, self.meaning, self.isSecret) = ("SIDECAR_" + name, fallback, meaning, isSecret)
    }

    /// In the order of the documentation.
    package static let all: [Setting] = tenant + accessToken + local + sessions + devices + limits + running

    private static let tenant = [
        Setting("TENANT_URL", "", "required: the tenant, `https://host[:port]`"),
        Setting("ALLOW_INSECURE_TENANT", "false", "`true` also takes an `http://` tenant, for trials only"),
        Setting("PROFILE", "ciam", "the edition of the tenant's API: `ciam`, `eiam` or `oneaccess`"),
        Setting("TENANT_ID", "", "`X-tenant-id` of requests that bring none (ISV callers)"),
        Setting("CA_FILE", "", "certificate authorities in PEM, beside the system's; read again at SIGHUP"),
        Setting("SYSTEM_CA", "true", "`false` trusts only `SIDECAR_CA_FILE`"),
        Setting("CLIENT_CERT_FILE", "", "client certificate in PEM, with its chain; read again at SIGHUP"),
        Setting("CLIENT_KEY_FILE", "", "its key in PEM"),
        Setting(
            "PINNED_PUBLIC_KEY", "",
            "`sha256//BASE64` of the tenant's public key, several with commas: no other is trusted"
        ),
        Setting("TLS_MIN", "1.2", "lowest version of TLS: `1.2` or `1.3`"),
        Setting(
            "UPSTREAM_PROXY", "",
            "`http://[user:password@]host:port` to tunnel through; `https_proxy` and its like are never looked at",
            isSecret: true),
        Setting("RESOLVE", "", "`host:port:address` instead of DNS, several with commas"),
        Setting("UPSTREAM_HTTP", "auto", "`auto` (HTTP/2 if the tenant offers it), `1.1` or `2`"),
        Setting(
            "UPSTREAM_LANE", "direct",
            "who reads and writes HTTP/1.1 with the tenant: `direct` (the sidecar, on connections that libcurl makes) or `libcurl`, which takes twice the CPU"
        ),
        Setting("CONNECT_TIMEOUT", "3s", "until a connection and its TLS handshake stand"),
        Setting("UPSTREAM_TIMEOUT", "30s", "until the head of the tenant's answer, then without progress"),
        Setting(
            "TOTAL_TIMEOUT", "off",
            "for a whole exchange, its body included, however steadily it moves; `off` = no limit"),
    ]

    private static let accessToken = [
        Setting("ACCESS_TOKEN", "", "a fixed access token", isSecret: true),
        Setting(
            "CLIENT_ID", "", "the application's id: for fetching access tokens with its secret, and as `X-client-id`"),
        Setting(
            "CLIENT_SECRET", "", "the application's secret; access tokens are fetched and renewed with it",
            isSecret: true),
        Setting(
            "TOKEN_ENDPOINT", "refuse",
            "`POST /api/v2/tenant/token` by the app: `refuse`, or `placeholder` answers with a worthless token"),
        Setting("TOKEN_AUTH", "form", "how id and secret are sent: `form` or `basic`"),
    ]

    private static let local = [
        Setting("LISTEN", "127.0.0.1:8180", "data plane: `host:port` or `unix:/path`, several with commas"),
        Setting("ADMIN_LISTEN", "127.0.0.1:8181", "status page `/`, `/status`, `/metrics`, `/livez`, `/readyz`"),
        Setting("ALLOW_NON_LOOPBACK", "false", "`true` allows a data plane beyond loopback, with a local token only"),
        Setting("LOCAL_TOKEN", "", "callers must send it as `X-Sidecar-Token`", isSecret: true),
        Setting("REQUIRED_HEADER", "", "`Name: value` or `Name` that every request must carry"),
        Setting("ALLOWED_HOSTS", "", "further names that `Host` may hold"),
        Setting("ALLOWED_ORIGINS", "", "values of `Origin` that may call; browsers are refused otherwise"),
        Setting("PASSTHROUGH_PATHS", "", "further path prefixes that pass with nothing added, with commas between"),
        Setting("USER_HEADER", "X-Sidecar-User", "the header field that names the user"),
    ]

    private static let sessions = [
        Setting(
            "STORE_URL", "sqlite:…/ciam-sidecar/sessions.db",
            "where sessions are kept: `sqlite:PATH`, `memory:`, or shared by replicas `redis://host:port[/number]`, `rediss://…` (TLS), `redis+unix:///PATH`; the default is under `$STATE_DIRECTORY`, `$XDG_STATE_HOME` or `~/.local/state`"
        ),
        Setting(
            "STORE_KEY", "",
            "32 bytes in base64 that seal the store; made beside the file if not given, required for a shared one",
            isSecret: true
        ),
        Setting("STORE_OLD_KEYS", "", "keys that the store may still be sealed with, with commas", isSecret: true),
        Setting("STORE_USER", "", "ACL user of a shared store; without it the password is the default user's"),
        Setting("STORE_PASSWORD", "", "its password; read again at SIGHUP", isSecret: true),
        Setting("STORE_CA_FILE", "", "authorities in PEM for `rediss://`, instead of the system's"),
        Setting("STORE_CLIENT_CERT_FILE", "", "client certificate in PEM for `rediss://`; read again at SIGHUP"),
        Setting("STORE_CLIENT_KEY_FILE", "", "its key in PEM"),
        Setting(
            "STORE_NAMESPACE", "the tenant's host",
            "what keys in a shared store begin with; applications whose users must not meet need one each"),
        Setting("STORE_TIMEOUT", "1s", "for connecting to a shared store, and for each of its answers"),
        Setting(
            "STORE_DOWN", "refuse",
            "refreshes while a shared store cannot be used: `refuse`, or `allow` (for one replica, or a tenant that forgives)"
        ),
        Setting("REFRESH_WAIT", "8s", "how long a caller waits for a running rotation"),
        Setting("REFRESH_AHEAD", "1m", "a token with less left is rotated before it is used"),
        Setting(
            "KEEP_FRESH", "off",
            "sessions that were used in the last so long are refreshed before their end, such as `12h`; `off` = never"),
        Setting("REFRESH_MIN_INTERVAL", "0s", "a refresh this soon after the last is answered from memory; `0s` = off"),
        Setting("ROTATION_GRACE", "10m", "how long a replaced token still gets the newest answer"),
        Setting(
            "LOST_ANSWER", "probe",
            "when the answer to a refresh is lost: `probe` presents the token once more, `retire` ends the session"),
        Setting(
            "DEAD_SESSION_CODES", "PARAM.0023", "endings of the tenant's `error_code` that say that a session is over"),
        Setting("LOST_ANSWER_SETTLE", "1s", "how long after the lost attempt is over the token is presented once more"),
        Setting(
            "MAX_SESSIONS", "1000000",
            "above this many stored sessions the ended ones go, then those that end first; ended ones go after a day"),
        Setting("CACHE_SESSIONS", "100000", "how many sessions are also kept in memory, those in use first"),
    ]

    private static let devices = [
        Setting("OPERATING_SYS_VERSION", "the host's", "`operating_sys_version`"),
        Setting("DEVICE_IP", "the host's", "`device_ip` when the request tells no end user's address"),
        Setting("AGENT", "ciam-sidecar", "`agent` when the app sends no `User-Agent`"),
        Setting("DEVICE_FINGERPRINT", "derived", "one `device_fingerprint` for all users"),
        Setting("FINGERPRINT_KEY", "kept in the store", "key that fingerprints are derived with", isSecret: true),
        Setting(
            "FINGERPRINT_MISMATCH", "override",
            "when an app sends another fingerprint than the pinned one: `override` or `reject`"),
    ]

    private static let limits = [
        Setting("MAX_BODY", "1MiB", "largest body that is injected into"),
        Setting("MAX_STREAM_BODY", "1GiB", "largest body that is streamed"),
        Setting("MAX_CONNECTIONS", "16384", "local connections; above it callers get 503 and are closed"),
        Setting("MAX_IN_FLIGHT", "1024", "requests that are worked on at the same time; more wait"),
        Setting("QUEUE_TIMEOUT", "1s", "how long a request waits for its turn before it gets 503"),
        Setting("HEADER_TIMEOUT", "10s", "from the first byte of a request to the end of its header"),
        Setting("IDLE_TIMEOUT", "75s", "an idle local connection is closed"),
        Setting("BODY_TIMEOUT", "30s", "a request body must make progress"),
    ]

    private static let running = [
        Setting("DRAIN_DELAY", "0s", "how long everything is still served after SIGTERM, while `/readyz` says no"),
        Setting("DRAIN_TIMEOUT", "25s", "how long requests, and a store that is away, may take at shutdown"),
        Setting("ADMIN_QUIT", "false", "`true` lets `POST /quit` on the admin listener end the program, for Jobs"),
        Setting("LOG_LEVEL", "info", "`debug`, `info`, `warning` or `error`"),
        Setting("LOG_FORMAT", "text", "`text` or `json`, one line for each event, on standard error"),
        Setting("ACCESS_LOG", "false", "`true` writes a line for each request"),
    ]
}
