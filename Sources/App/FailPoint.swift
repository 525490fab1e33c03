// Debug builds only: the process kills itself at a step of a rotation, for the crash matrix.

internal import Sessions

#if DEBUG
    #if canImport(Glibc)
        internal import Glibc
    #else
        internal import Musl
    #endif
#endif

enum FailPoint {
    /// What a rotation calls at each of its steps. Release builds do nothing here.
    static var reached: @Sendable (RotationStep) -> Void {
        #if DEBUG
            if let name = unsafe getenv("CIAM_SIDECAR_FAIL_POINT"),
                let step = unsafe RotationStep(rawValue: String(cString: name))
            {
                return { if $0 == step { kill(getpid(), SIGKILL) } }
            }
        #endif
        return { _ in }
    }
}
