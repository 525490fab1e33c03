// One process per store: a lock that dies with its holder.

internal import Model

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Why a store cannot be opened; each becomes one clear line and exit code 69 or 78.
package enum StoreOpenError: Error, Equatable, Sendable {
    /// Another process has it. `pid` is nil when it could not be read.
    case owned(path: String, pid: Int32?)
    /// The folder or file cannot be made, read or written.
    case inaccessible(path: String, errno: Int32)
    /// A link, folder or device where a plain file has to be.
    case notAFile(path: String)
    /// SQLite refuses the file.
    case unusable(path: String, code: Int32)
    /// Written by a newer version of this program.
    case newerSchema(path: String, version: Int)
    /// The key does not open what is stored.
    case wrongKey(path: String)
    /// The key file beside the database does not hold a 32-byte key in base64.
    case keyFile(path: String)
    /// There is no such file, and the database beside it holds something that was sealed with a key.
    case keyMissing(path: String)
    /// A Redis server is not the right one, or does not let us in.
    case redis(place: String, RedisRefusal)
    /// The program was told to end while it waited.
    case cancelled
}

/// An advisory lock on a file beside the store. The kernel gives it back when the process ends, however it ends.
struct OwnerLock: ~Copyable {
    private let descriptor: Int32

    /// - Throws: `.owned` when another process holds it.
    init(path: String) throws(StoreOpenError) {
        let descriptor = try PlainFile.open(path, flags: O_RDWR | O_CREAT)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = PlainFile.read(descriptor, limit: 32)
            close(descriptor)
            throw .owned(
                path: path, pid: ASCII.decimal(ASCII.trimmed(holder.prefix { $0 != 0x0A })).map(Int32.init(clamping:)))
        }
        ftruncate(descriptor, 0)
        PlainFile.write(descriptor, Array("\(getpid())\n".utf8))
        self.descriptor = descriptor
    }

    /// Lets the next owner in before this value ends. May be called more than once.
    func release() { flock(descriptor, LOCK_UN) }

    /// Closing alone would not do: a child that is just being started may hold a copy of the descriptor for a moment.
    deinit {
        release()
        close(descriptor)
    }
}

/// Files that must be plain files of ours.
enum PlainFile {
    /// Opens a file that is no link, made with mode 0600 if `O_CREAT` is given.
    static func open(_ path: String, flags: Int32) throws(StoreOpenError) -> Int32 {
        let descriptor = unsafe Glibc.open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else {
            throw errno == ELOOP ? .notAFile(path: path) : .inaccessible(path: path, errno: errno)
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .notAFile(path: path)
        }
        return descriptor
    }

    /// At most 16 bytes.
    static func start(of path: String) throws(StoreOpenError) -> [UInt8] {
        let descriptor = try open(path, flags: O_RDONLY)
        defer { close(descriptor) }
        return read(descriptor, limit: 16)
    }

    /// Makes the file if it is missing.
    static func touch(_ path: String) throws(StoreOpenError) { close(try open(path, flags: O_RDWR | O_CREAT)) }

    static func read(_ descriptor: Int32, limit: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            unsafe count = max(0, pread(descriptor, buffer.baseAddress, limit, 0))
        }
    }

    @discardableResult
    static func write(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) } == bytes.count
    }

    /// Makes the folder (mode 0700) and those above it that are missing.
    static func makeFolder(_ path: String) throws(StoreOpenError) {
        var parent = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            parent += (parent.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
            if unsafe mkdir(parent, 0o700) != 0, errno != EEXIST { throw .inaccessible(path: parent, errno: errno) }
        }
    }
}
