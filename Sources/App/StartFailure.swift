// Why the sidecar cannot start: one line and an exit code each.

package import Listener
package import SessionStores

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Everything that may keep a valid configuration from starting.
package enum StartFailure: Error, Sendable {
    case transport
    case store(StoreOpenError)
    case listen(setting: String, ListenError)

    /// sysexits: 69 unavailable, 78 configuration.
    package var exitCode: Int32 {
        switch self {
        case .store(.wrongKey), .store(.keyFile), .store(.keyMissing), .store(.redis): 78
        default: 69
        }
    }

    package var line: String {
        switch self {
        case .transport: "libcurl could not be set up; is the system out of memory or file descriptors?"
        case .store(let error): "SIDECAR_STORE_URL: \(Self.text(error))"
        case .listen(let setting, let error):
            "\(setting): cannot listen on \(error.address.text): \(error.problem.map(Self.text) ?? Self.text(error.errno))"
        }
    }

    private static func text(_ errno: Int32) -> String {
        switch errno {
        case EADDRINUSE: "\(SystemError.text(errno)); end what listens there, or choose another port"
        case EADDRNOTAVAIL: "\(SystemError.text(errno)); this machine has no such address"
        case EACCES: "\(SystemError.text(errno)); choose a port above 1023, or a folder that this user can write to"
        default: SystemError.text(errno)
        }
    }

    static func text(_ problem: UnixSocketFile.Problem) -> String {
        switch problem {
        case .noFolder: "its folder does not exist"
        case .folderWritableByOthers: "others can write to its folder; use one of mode 0755 or less"
        case .notASocket: "something that is no socket is there; remove it or choose another path"
        case .inUse: "another process listens there"
        }
    }

    private static func text(_ error: StoreOpenError) -> String {
        switch error {
        case .owned(let path, let pid):
            "\(path) is held by another process\(pid.map { " (pid \($0))" } ?? ""); stop it or use another file"
        case .inaccessible(let path, let errno):
            "\(path): \(SystemError.text(errno)); name a file that this user can make, read and write"
        case .notAFile(let path): "\(path) is not a plain file; links, folders and devices are refused"
        case .unusable(let path, let code):
            "\(path) cannot be used by SQLite (code \(code)); is it a session store, and is the disk writable?"
        case .newerSchema(let path, let version):
            "\(path) was written by a newer version (schema \(version)); start that one, or put a copy of the file from before it back"
        case .wrongKey(let path): "\(path) was sealed with another key; give that one in SIDECAR_STORE_KEY"
        case .keyFile(let path): "\(path) does not hold 32 bytes in base64; put the right file back"
        case .keyMissing(let path):
            "\(path) is missing, and the store beside it is sealed with that key; put it back, or give the key in SIDECAR_STORE_KEY. If it is lost, move the store away: every user logs in again"
        case .redis(let place, let refusal): "\(place) \(text(refusal))"
        case .cancelled: "asked to end before the store could be reached"
        }
    }

    private static func text(_ refusal: RedisRefusal) -> String {
        switch refusal {
        case .refused(let words):
            "refuses (\(words)); look at SIDECAR_STORE_USER and SIDECAR_STORE_PASSWORD, and at what that user may do (SeveralReplicas.md)"
        case .untrusted:
            "fails at TLS; give its authority in SIDECAR_STORE_CA_FILE, or the client certificate that it wants in SIDECAR_STORE_CLIENT_CERT_FILE"
        case .cluster:
            "is a Redis Cluster; the sidecar needs one server that has all keys, SeveralReplicas.md tells how to do without a cluster"
        case .sentinel:
            "is a Sentinel; give a name that leads to the server it has chosen, SeveralReplicas.md tells how"
        case .tooOld(let product): "is \(product); Redis 6.2 or Valkey is needed"
        case .wrongKey: "was begun with another key; give that one in SIDECAR_STORE_KEY or SIDECAR_STORE_OLD_KEYS"
        }
    }
}
