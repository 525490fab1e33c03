// A thread of our own: libcurl's handles belong to one thread for life.

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Runs one function on a new thread and tells when it has returned.
enum LoopThread {
    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// - Returns: once `body` has returned and its thread is gone; false when no thread could be made.
    static func run(_ body: @escaping @Sendable () -> Void) async -> Bool {
        await withCheckedContinuation { continuation in
            let start = unsafe Unmanaged.passRetained(
                Start {
                    body()
                    continuation.resume(returning: true)
                })
            var thread = pthread_t()
            let failure = unsafe pthread_create(
                &thread, nil,
                { context in
                    if let context = unsafe context {
                        unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
                    }
                    return nil
                }, start.toOpaque())
            if failure == 0 {
                pthread_detach(thread)
            } else {
                unsafe start.release()
                continuation.resume(returning: false)
            }
        }
    }
}
