// Secrets in files, as Kubernetes and systemd mount them.

internal import AccessTokens
internal import Model

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A file that holds one secret. Links are followed: a Kubernetes secret is a link to a link.
struct SecretFile: Sendable {
    /// Why it cannot be used; names the file, never its content.
    struct Failure: Error { let problem: String }

    let path: String

    /// The content without its trailing newline.
    func read() throws(Failure) -> [UInt8] {
        var content = try content(largest: 65_536, named: "64 KiB")
        if content.last == 0x0A { content.removeLast() }
        if content.last == 0x0D { content.removeLast() }
        guard !content.isEmpty else { throw Failure(problem: "\(path) is empty") }
        return content
    }

    /// Whether it holds certificates or keys.
    func check(_ wanted: PEMFile.Content) throws(Failure) {
        let text = try content(largest: 4_194_304, named: "4 MiB")
        if let problem = PEMFile.problem(text, wanted) { throw Failure(problem: "\(path) \(problem)") }
    }

    private func content(largest: Int, named size: String) throws(Failure) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(problem: "\(path) cannot be read: \(SystemError.text(errno))") }
        defer { close(descriptor) }
        var content = [UInt8]()
        while content.count <= largest {
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 8192) { buffer, count in
                unsafe count = max(0, Glibc.read(descriptor, buffer.baseAddress, 8192))
            }
            if piece.isEmpty { break }
            content += piece
        }
        guard content.count <= largest else { throw Failure(problem: "\(path) is larger than \(size)") }
        return content
    }

    var isThere: Bool { unsafe access(path, F_OK) == 0 }

    /// Why this user can make nothing in it; nil when it is a folder that takes new files.
    var problemForNewFiles: String? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return "\(path): \(SystemError.text(errno))" }
        guard status.st_mode & S_IFMT == S_IFDIR else { return "\(path) is no folder" }
        return unsafe access(path, W_OK | X_OK) == 0 ? nil : "\(path): \(SystemError.text(errno))"
    }

    /// Changes whenever the file is replaced or written.
    var mark: AccessTokenMark? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return AccessTokenMark([]) }
        return AccessTokenMark([
            Int64(truncatingIfNeeded: status.st_dev), Int64(truncatingIfNeeded: status.st_ino), Int64(status.st_size),
            Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec),
        ])
    }
}

/// The system's errors in its own words.
enum SystemError {
    static func text(_ code: Int32) -> String {
        unsafe String(cString: strerror(code))
    }
}
