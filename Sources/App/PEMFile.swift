// Certificates and keys in files (RFC 7468): what libcurl would only find wrong at the next connection.

internal import Model

/// A file of the way to the tenant or the store.
enum PEMFile {
    enum Content {
        /// One certificate or more.
        case certificates
        /// One key or more; it may be encrypted.
        case privateKey
    }

    /// Why a text is none of its kind.
    static func problem(_ text: [UInt8], _ wanted: Content) -> String? {
        let (label, name) =
            switch wanted {
            case .certificates: ("CERTIFICATE", "certificate")
            case .privateKey: ("PRIVATE KEY", "private key")
            }
        let found = blocks(text).filter { $0.label.hasSuffix(label) }
        if found.isEmpty { return "holds no \(name) in PEM (-----BEGIN \(label)-----)" }
        return found.allSatisfy(\.isWhole) ? nil : "holds a \(name) that is cut or garbled"
    }

    private struct Block {
        let label: String
        /// The lines between the marks; nil when the second one is missing.
        let lines: [ArraySlice<UInt8>]?

        /// Whether it decodes to one DER value. A line with a colon belongs to a head (RFC 1421): the content is encrypted.
        var isWhole: Bool {
            guard let lines else { return false }
            if lines.contains(where: { $0.contains(UInt8(ascii: ":")) }) { return true }
            guard let content = Base64.decode(lines.flatMap { $0 }), let length = Self.length(content) else {
                return false
            }
            // More may follow the certificate: what it is trusted for.
            return label.hasPrefix("TRUSTED") ? length <= content.count : length == content.count
        }

        /// Bytes of the SEQUENCE that a DER value begins with, its own head among them; nil for anything else.
        private static func length(_ der: [UInt8]) -> Int? {
            guard der.count >= 2, der[0] == 0x30 else { return nil }
            guard der[1] & 0x80 != 0 else { return 2 + Int(der[1]) }
            let size = Int(der[1] & 0x7F)
            guard (1...4).contains(size), der.count >= 2 + size else { return nil }
            return 2 + size + der[2..<2 + size].reduce(0) { $0 << 8 | Int($1) }
        }
    }

    /// Text between them, such as a name for people, is nobody's concern.
    private static func blocks(_ text: [UInt8]) -> [Block] {
        var blocks: [Block] = []
        var open: (label: String, lines: [ArraySlice<UInt8>])?
        for line in text.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).map(ASCII.trimmed) {
            if let label = mark(line, "BEGIN") {
                if let open { blocks.append(Block(label: open.label, lines: nil)) }
                open = (label, [])
            } else if let begun = open, mark(line, "END") == begun.label {
                blocks.append(Block(label: begun.label, lines: begun.lines))
                open = nil
            } else {
                open?.lines.append(line)
            }
        }
        if let open { blocks.append(Block(label: open.label, lines: nil)) }
        return blocks
    }

    /// The label of `-----BEGIN label-----`.
    private static func mark(_ line: ArraySlice<UInt8>, _ word: String) -> String? {
        let (start, end) = (Array("-----\(word) ".utf8), Array("-----".utf8))
        guard line.count >= start.count + end.count, line.starts(with: start), line.suffix(end.count).elementsEqual(end)
        else { return nil }
        return String(decoding: line.dropFirst(start.count).dropLast(end.count), as: UTF8.self)
    }
}
