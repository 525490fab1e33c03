// The place of a unix socket in the file system: what may be there, and what must not.

internal import CProcess

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

package enum UnixSocketFile {
    /// Why a path is refused.
    package enum Problem: Error, Sendable, Equatable {
        /// Its folder is missing or is none.
        case noFolder
        /// Others could put something else in its place.
        case folderWritableByOthers
        /// Something that is no socket, a link included; it is left as it is.
        case notASocket
        /// Another process listens there.
        case inUse
    }

    /// Makes room for a socket: what a dead process has left is removed, anything else is left alone.
    /// - Throws: `Problem`
    static func prepare(_ path: String) throws(Problem) {
        if let problem = problem(path) { throw problem }
        _ = unsafe unlink(path)
    }

    /// Why no socket can be made there; nothing is changed.
    package static func problem(_ path: String) -> Problem? {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        var status = stat()
        guard unsafe stat(folder.isEmpty ? "/" : folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            return .noFolder
        }
        let isShared = status.st_mode & 0o022 != 0
        guard !isShared || status.st_mode & S_ISVTX != 0 else { return .folderWritableByOthers }
        guard unsafe lstat(path, &status) == 0 else { return nil }
        guard status.st_mode & S_IFMT == S_IFSOCK else { return .notASocket }
        return unsafe cprocess_is_alive(path) == 0 ? nil : .inUse
    }
}
