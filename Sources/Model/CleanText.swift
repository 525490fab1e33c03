// What users and devices are called: text that can be shown and sent anywhere.

extension [UInt8] {
    /// UTF-8 without the control characters U+0000–U+001F, U+007F and U+0080–U+009F.
    package var isCleanUTF8: Bool {
        if allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return true }
        guard String(validating: self, as: UTF8.self) != nil else { return false }
        var lead: UInt8 = 0
        for byte in self {
            if byte < 0x20 || byte == 0x7F || (lead == 0xC2 && byte < 0xA0) { return false }
            lead = byte
        }
        return true
    }
}
