// What the host itself says: its system, its address, the time.

internal import Model
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Defaults of the device values (contract 5).
enum HostFacts {
    /// `PRETTY_NAME` of os-release, else `Linux`.
    static func operatingSystem() -> [UInt8] {
        for path in ["/etc/os-release", "/usr/lib/os-release"] {
            guard let text = try? SecretFile(path: path).read() else { continue }
            for line in text.split(separator: 0x0A) where line.starts(with: "PRETTY_NAME=".utf8) {
                let value = line.dropFirst(12).filter { $0 != UInt8(ascii: "\"") }
                if !value.isEmpty { return value }
            }
        }
        return Array("Linux".utf8)
    }

    /// The first address that is not loopback, IPv4 before IPv6, else 127.0.0.1.
    static func address() -> [UInt8] {
        let addresses = ((try? System.enumerateDevices()) ?? []).compactMap { $0.address?.ipAddress }
        func isOutside(_ text: String) -> Bool {
            !text.utf8.starts(with: "127.".utf8) && !text.utf8.elementsEqual("::1".utf8)
                && !text.utf8.starts(with: "fe80".utf8)
        }
        let outside = addresses.filter(isOutside)
        let chosen = outside.first { !$0.utf8.contains(UInt8(ascii: ":")) } ?? outside.first ?? "127.0.0.1"
        return Array(chosen.utf8)
    }
}

/// The system's wall clock.
struct SystemClock: WallClock {
    func now() -> Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// On the monotonic clock, whatever the wall clock does meanwhile.
    func sleep(for duration: Duration) async { try? await Task.sleep(for: duration) }
}
