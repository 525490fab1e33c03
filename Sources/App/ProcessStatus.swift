// What the kernel says of this process.

internal import CProcess
internal import Model
internal import Telemetry

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Read anew whenever somebody looks; what cannot be read is zero.
struct ProcessStatus: Sendable {
    let startedAt: Timestamp

    func figures() -> SidecarMetrics.ProcessFigures {
        var figures = SidecarMetrics.ProcessFigures()
        figures.startSeconds = Double(startedAt.milliseconds) / 1000
        // The name of the program stands in brackets and may hold anything; what follows is numbered from 3 (proc(5)).
        if let stat = try? SecretFile(path: "/proc/self/stat").read(),
            let bracket = stat.lastIndex(of: UInt8(ascii: ")"))
        {
            let words = stat[(bracket + 1)...].split(separator: 0x20)
            func number(_ field: Int) -> Int {
                words.count > field - 3 ? ASCII.decimal(words[field - 3]) ?? 0 : 0
            }
            let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
            figures.cpuSeconds = Double(number(14) + number(15)) / ticks
            figures.virtualBytes = number(23)
            figures.residentBytes = number(24) * sysconf(Int32(_SC_PAGESIZE))
        }
        figures.openDescriptors = Self.openDescriptors()
        figures.maximumDescriptors = Int(clamping: cprocess_descriptor_limit())
        return figures
    }

    private static func openDescriptors() -> Int {
        guard let folder = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(folder) }
        var count = 0
        while let entry = unsafe readdir(folder) {
            if unsafe entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        // The folder itself was open while it was read.
        return max(0, count - 1)
    }
}
