// The key that seals a SQLite store when none is configured: made once, kept beside the file.

internal import Crypto
internal import Model

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A file with mode 0600 that holds 32 random bytes in base64 and a newline.
enum StoreKeyFile {
    /// The key in the file at `path`, which is made if it is missing. Made under another name first, so that a crash cannot
    /// leave half a key behind.
    /// - Parameter isNew: whether the store is empty; what was sealed with another key could never be opened with a new one.
    static func readOrMake(_ path: String, isNew: Bool) throws(StoreOpenError) -> [UInt8] {
        if unsafe access(path, F_OK) != 0 {
            guard isNew else { throw .keyMissing(path: path) }
            let fresh = unsafe SymmetricKey(size: .bits256).withUnsafeBytes { unsafe Array($0) }
            let temporary = path + ".new"
            unsafe unlink(temporary)
            let descriptor = try PlainFile.open(temporary, flags: O_WRONLY | O_CREAT | O_EXCL)
            let written = PlainFile.write(descriptor, Base64.encode(fresh) + [0x0A]) && fsync(descriptor) == 0
            close(descriptor)
            guard written, unsafe rename(temporary, path) == 0 else { throw .inaccessible(path: path, errno: errno) }
        }
        let descriptor = try PlainFile.open(path, flags: O_RDONLY)
        defer { close(descriptor) }
        let text = PlainFile.read(descriptor, limit: 128)
        guard let key = Base64.decode(text.filter { $0 != 0x0A && $0 != 0x0D }), key.count == 32 else {
            throw .keyFile(path: path)
        }
        return key
    }
}
