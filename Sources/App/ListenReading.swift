// Where the sidecar listens: from the configuration, or from systemd.

internal import CProcess
internal import Listener

extension SidecarConfiguration {
    /// - Parameter sockets: how many systemd has opened; they take the place of `SIDECAR_LISTEN`.
    static func listen(_ reader: inout SettingsReader, _ sockets: Int, hasLocalToken: Bool) -> [ListenAddress] {
        let mayLeave = reader.flag("ALLOW_NON_LOOPBACK", false)
        let addresses = sockets > 0 ? inherited(&reader, sockets) : written(&reader)
        for address in addresses where !address.isLoopback && !(mayLeave && hasLocalToken) {
            reader.fault(
                "LISTEN",
                "\(address.text) is not loopback; that needs SIDECAR_ALLOW_NON_LOOPBACK=true and SIDECAR_LOCAL_TOKEN")
        }
        return addresses
    }

    private static func inherited(_ reader: inout SettingsReader, _ sockets: Int) -> [ListenAddress] {
        if reader.text("LISTEN") != nil {
            reader.fault("LISTEN", "is set, and systemd has opened sockets as well; keep one")
        }
        return (0..<Int32(clamping: sockets)).compactMap { number in
            let descriptor = 3 + number
            guard cprocess_listens_locally(descriptor) >= 0 else {
                reader.fault("LISTEN", "descriptor \(descriptor) from systemd is no listening socket")
                return nil
            }
            return .inherited(descriptor: descriptor)
        }
    }

    private static func written(_ reader: inout SettingsReader) -> [ListenAddress] {
        var texts = reader.list("LISTEN")
        if texts.isEmpty { texts = ["127.0.0.1:8180"] }
        return texts.compactMap { text in
            let address = ListenAddress(text)
            if address == nil { reader.fault("LISTEN", "has an element that is neither host:port nor unix:/path") }
            return address
        }
    }

    static func adminListen(_ reader: inout SettingsReader) -> ListenAddress {
        let fallback = ListenAddress.tcp(host: "127.0.0.1", port: 8181)
        guard let text = reader.text("ADMIN_LISTEN") else { return fallback }
        if let address = ListenAddress(text), case .tcp = address { return address }
        reader.fault("ADMIN_LISTEN", "has to be host:port")
        return fallback
    }
}

extension ListenAddress {
    /// Whether only this machine can reach it.
    var isLoopback: Bool {
        switch self {
        case .unix: true
        case .inherited(let descriptor): cprocess_listens_locally(descriptor) > 0
        case .tcp(let host, _):
            host.utf8.starts(with: "127.".utf8) || host.utf8.elementsEqual("::1".utf8)
                || host.utf8.elementsEqual("localhost".utf8)
        }
    }

    /// The name that callers use for it; nil for a unix socket and for "any address".
    var hostName: String? {
        guard case .tcp(let host, _) = self, host != "0.0.0.0", host != "::" else { return nil }
        return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    }
}
