// The time in an HTTP `Date` field.

internal import Model

enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        .map { Array($0.utf8) }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7, the one form that is sent today); nil for anything else.
    static func read(_ text: ArraySlice<UInt8>) -> Timestamp? {
        let words = text.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 6, words[0].last == UInt8(ascii: ","), words[5].elementsEqual("GMT".utf8),
            let day = ASCII.decimal(words[1]), let month = months.firstIndex(where: { words[2].elementsEqual($0) }),
            let year = ASCII.decimal(words[3])
        else { return nil }
        let clock = words[4].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard clock.count == 3, let hour = ASCII.decimal(clock[0]), let minute = ASCII.decimal(clock[1]),
            let second = ASCII.decimal(clock[2]), (1...31).contains(day), hour < 24, minute < 60, second < 61,
            (1970...9999).contains(year)
        else { return nil }
        // Days of the proleptic Gregorian calendar, in years that begin in March.
        let (y, m) = month < 2 ? (year - 1, month + 10) : (year, month - 2)
        let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 719_469
        return Timestamp(milliseconds: Int64(days * 86_400 + hour * 3600 + minute * 60 + second) * 1000)
    }
}
