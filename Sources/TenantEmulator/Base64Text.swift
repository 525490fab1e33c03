// Base64 (RFC 4648): Basic credentials, echoed bodies, and the URL-safe form of id_tokens.
import FoundationEssentials

enum Base64Text {
    /// With padding.
    static func encode(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
    }

    /// Nil for anything but padded Base64.
    static func decode(_ text: String) -> [UInt8]? {
        Data(base64Encoded: text).map { Array($0) }
    }

    /// URL-safe alphabet, no padding (RFC 7515 section 2).
    static func encodeForURL(_ bytes: [UInt8]) -> String {
        let swapped = encode(bytes).utf8.compactMap { (byte: UInt8) -> UInt8? in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: byte
            }
        }
        return String(decoding: swapped, as: UTF8.self)
    }

    /// Nil for anything but the URL-safe alphabet without padding.
    static func decodeForURL(_ text: String) -> [UInt8]? {
        let swapped = text.utf8.map { (byte: UInt8) -> UInt8 in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: byte
            }
        }
        let padding = String(repeating: "=", count: (4 - swapped.count % 4) % 4)
        return decode(String(decoding: swapped, as: UTF8.self) + padding)
    }
}
