// One field line of a head or of trailers.

internal import Model

/// Where name and value are in a line (RFC 9112 section 5, RFC 9110 section 5.5): a token, a colon at once, and a value of visible
/// characters, spaces and tabs. What lies beyond ASCII has to be UTF-8 where a request says it.
struct FieldLine {
    let place: HeaderFields.Place
    /// Whether there is a tab in it. Not everybody takes one for white space.
    let hasTab: Bool

    /// Nil for what is no field.
    /// - Parameter line: without its CR LF.
    static func read(_ bytes: [UInt8], _ line: Range<Int>, mustBeUTF8: Bool) -> FieldLine? {
        let (nameEnd, fold) = FieldName.read(bytes, line)
        guard nameEnd > line.lowerBound, nameEnd < line.upperBound, bytes[nameEnd] == UInt8(ascii: ":") else {
            return nil
        }
        var (start, end, hasTab) = (nameEnd + 1, line.upperBound, false)
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 {
            if bytes[start] == 0x09 { hasTab = true }
            start += 1
        }
        while start < end, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 {
            if bytes[end - 1] == 0x09 { hasTab = true }
            end -= 1
        }
        var isASCII = true
        for index in start..<end {
            let byte = bytes[index]
            if byte < 0x20 {
                guard byte == 0x09 else { return nil }
                hasTab = true
            } else if byte >= 0x7F {
                guard byte != 0x7F else { return nil }
                isASCII = false
            }
        }
        if mustBeUTF8, !isASCII, !UTF8Text.isValid(bytes[start..<end]) { return nil }
        return FieldLine(
            place: HeaderFields.Place(name: line.lowerBound..<nameEnd, value: start..<end, fold: fold), hasTab: hasTab)
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
