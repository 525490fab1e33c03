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

    private static let largest = 65_536
    let path: String

    /// The content without its trailing newline.
    func read() throws(Failure) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(problem: "\(path) cannot be read: \(SystemError.text(errno))") }
        defer { close(descriptor) }
        var content = [UInt8]()
        while content.count <= Self.largest {
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 8192) { buffer, count in
                unsafe count = max(0, Glibc.read(descriptor, buffer.baseAddress, 8192))
            }
            if piece.isEmpty { break }
            content += piece
        }
        if content.last == 0x0A { content.removeLast() }
        if content.last == 0x0D { content.removeLast() }
        guard !content.isEmpty else { throw Failure(problem: "\(path) is empty") }
        guard content.count <= Self.largest else { throw Failure(problem: "\(path) is larger than 64 KiB") }
        return content
    }

    /// Whether it can be opened for reading; its content is somebody else's to judge.
    func readable() throws(Failure) {
        guard unsafe access(path, R_OK) == 0 else {
            throw Failure(problem: "\(path) cannot be read: \(SystemError.text(errno))")
        }
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
