// What the process gives up before it serves.

internal import CProcess

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

enum ProcessHardening {
    /// No core dump and no report of a crash, no look into its memory by other processes of the same user, no new privileges, no files
    /// that others can read; and as many descriptors as the system allows. What the system refuses (an old kernel, a sandbox) is no reason
    /// not to serve.
    /// Call it once, before there are threads.
    static func apply() {
        cprocess_crash_silently()
        _ = cprocess_seal()
        _ = cprocess_raise_descriptor_limit()
        umask(0o007)
    }
}
