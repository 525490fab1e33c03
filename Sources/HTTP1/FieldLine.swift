// One field line of a head or of trailers.

internal import Model

/// Where name and value are in a line (RFC 9112 section 5, RFC 9110 section 5.5): a token, a colon at once, and a value of visible
/// characters, spaces and tabs. What lies beyond ASCII has to be UTF-8 where a request says it.
struct FieldLine {
    let name: Range<Int>
    /// Without surrounding white space.
    let value: Range<Int>

    /// Nil for what is no field.
    /// - Parameter line: without its CR LF.
    init?(_ bytes: [UInt8], _ line: Range<Int>, mustBeUTF8: Bool) {
        var index = line.lowerBound
        while index < line.upperBound, ASCII.isTokenCharacter(bytes[index]) { index += 1 }
        guard index > line.lowerBound, index < line.upperBound, bytes[index] == UInt8(ascii: ":") else { return nil }
        name = line.lowerBound..<index
        var (start, end) = (index + 1, line.upperBound)
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while start < end, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        value = start..<end
        var isASCII = true
        for index in value {
            let byte = bytes[index]
            guard byte >= 0x20 || byte == 0x09, byte != 0x7F else { return nil }
            if byte >= 0x80 { isASCII = false }
        }
        if mustBeUTF8, !isASCII, !UTF8Text.isValid(bytes[value]) { return nil }
    }
}

/// UTF-8 without its overlong and surrogate forms.
enum UTF8Text {
    static func isValid(_ bytes: ArraySlice<UInt8>) -> Bool {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue: break
            case .emptyInput: return true
            case .error: return false
            }
        }
    }
}
