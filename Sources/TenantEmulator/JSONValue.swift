// A JSON value as it was written: members in order, numbers with their own spelling.

/// One `"name": value` of an object.
package struct JSONMember: Equatable, Sendable {
    package let name: ExactText
    package let value: JSONValue

    package init(_ name: String, _ value: JSONValue) {
        self.name = ExactText(name)
        self.value = value
    }
}

package enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// The number's own spelling, e.g. `1.0` or `1e400`.
    case number(String)
    case string(ExactText)
    case array([JSONValue])
    case object([JSONMember])

    package static func text(_ text: String) -> JSONValue {
        .string(ExactText(text))
    }

    package static func integer(_ number: Int) -> JSONValue {
        .number(String(number))
    }

    /// The first member of that name; nil when this is no object or has none.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        let wanted = ExactText(name)
        return members.first { $0.name == wanted }?.value
    }

    package subscript(index: Int) -> JSONValue? {
        guard case .array(let items) = self, items.indices.contains(index) else { return nil }
        return items[index]
    }

    package var string: String? {
        guard case .string(let value) = self else { return nil }
        return value.text
    }

    /// The number as an integer; nil for anything else and for a number with a fraction or exponent.
    package var int: Int? {
        guard case .number(let spelling) = self else { return nil }
        return Int(spelling)
    }

    package var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    package var items: [JSONValue]? {
        guard case .array(let items) = self else { return nil }
        return items
    }

    /// Compact UTF-8 without a trailing newline.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        write(into: &bytes)
        return bytes
    }

    private func write(into bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let spelling): bytes.append(contentsOf: spelling.utf8)
        case .string(let value): Self.write(value.text, into: &bytes)
        case .array(let items):
            bytes.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                item.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.write(member.name.text, into: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case 0..<0x20:
                let hex = String(byte, radix: 16)
                bytes.append(contentsOf: (byte < 16 ? "\\u000" : "\\u00").utf8)
                bytes.append(contentsOf: hex.utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
