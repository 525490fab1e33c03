// The process environment: read once, then without its secrets.

import App

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Names and values of this process.
enum Environment {
    /// All variables, the first of each name. Call it once, before there are threads.
    static func read() -> [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            if let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) {
                let name = String(text[..<equals])
                if variables[name] == nil { variables[name] = String(text[text.utf8.index(after: equals)...]) }
            }
            unsafe next = next.successor()
        }
        return variables
    }

    /// Overwrites and removes the secrets, so that neither `/proc/PID/environ`, a child process nor a crash report shows them, and
    /// removes what would make libcurl write the keys of its TLS sessions to a file. Call it once, before there are threads.
    static func dropSecrets() {
        for setting in Setting.all where setting.isSecret {
            if let value = unsafe getenv(setting.name) { unsafe memset(value, 0, strlen(value)) }
            unsafe unsetenv(setting.name)
        }
        unsafe unsetenv("SSLKEYLOGFILE")
    }
}
