// Reading of `application/x-www-form-urlencoded` text: the T1 body and the query strings of the control port.

/// Pairs of a form, decoded, in order.
struct FormText: Sendable {
    private let pairs: [(name: ExactText, value: ExactText)]

    /// Nil when a percent sign is not followed by two hexadecimal digits or the result is no UTF-8.
    init?(_ text: [UInt8]) {
        var pairs: [(name: ExactText, value: ExactText)] = []
        for piece in text.split(separator: UInt8(ascii: "&")) {
            let halves = piece.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let rawValue = halves.count > 1 ? Array(halves[1]) : []
            guard let name = Self.decode(Array(halves[0])), let value = Self.decode(rawValue) else { return nil }
            pairs.append((ExactText(name), ExactText(value)))
        }
        self.pairs = pairs
    }

    /// Every value of that name; form names are compared exactly.
    func values(_ name: String) -> [ExactText] {
        let wanted = ExactText(name)
        return pairs.filter { $0.name == wanted }.map(\.value)
    }

    /// The value of a name that must appear once.
    func single(_ name: String) -> ExactText? {
        let found = values(name)
        return found.count == 1 ? found.first : nil
    }

    static func decode(_ raw: [UInt8]) -> String? {
        var plain: [UInt8] = []
        var index = raw.startIndex
        while index < raw.endIndex {
            switch raw[index] {
            case UInt8(ascii: "+"):
                plain.append(0x20)
                index += 1
            case UInt8(ascii: "%"):
                guard index + 2 < raw.endIndex, let high = digit(raw[index + 1]), let low = digit(raw[index + 2])
                else { return nil }
                plain.append(high << 4 | low)
                index += 3
            default:
                plain.append(raw[index])
                index += 1
            }
        }
        return String(validating: plain, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
