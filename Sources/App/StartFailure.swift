// Why the sidecar cannot start: one line and an exit code each.

package import Listener
package import SessionStores

/// Everything that may keep a valid configuration from starting.
package enum StartFailure: Error, Sendable {
    case transport
    case store(StoreOpenError)
    case listen(setting: String, ListenError)

    /// sysexits: 69 unavailable, 78 configuration.
    package var exitCode: Int32 {
        switch self {
        case .store(.wrongKey), .store(.keyFile): 78
        default: 69
        }
    }

    package var line: String {
        switch self {
        case .transport: "libcurl could not be set up; is the system out of memory or file descriptors?"
        case .store(let error): "SIDECAR_STORE_URL: \(Self.text(error))"
        case .listen(let setting, let error):
            "\(setting): cannot listen on \(error.address.text): \(error.problem.map(Self.text) ?? SystemError.text(error.errno))"
        }
    }

    private static func text(_ problem: UnixSocketFile.Problem) -> String {
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
        case .inaccessible(let path, let errno): "\(path): \(SystemError.text(errno))"
        case .notAFile(let path): "\(path) is not a plain file; links, folders and devices are refused"
        case .unusable(let path, let code):
            "\(path) cannot be used by SQLite (code \(code)); is it a session store, and is the disk writable?"
        case .newerSchema(let path, let version):
            "\(path) was written by a newer version (schema \(version)); start that one"
        case .wrongKey(let path): "\(path) was sealed with another key; give that one in SIDECAR_STORE_KEY"
        case .keyFile(let path): "\(path) does not hold 32 bytes in base64"
        }
    }
}
