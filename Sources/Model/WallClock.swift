// Time as it is stored: it has to mean the same after a restart.

/// A moment of the wall clock, in whole milliseconds since 1970-01-01T00:00:00Z.
package struct Timestamp: Sendable, Hashable, Comparable {
    package var milliseconds: Int64
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
    /// Saturates at the ends of the range; less than a millisecond is dropped.
    package static func + (moment: Self, duration: Duration) -> Self {
        let (sum, overflow) = moment.milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
        return Self(milliseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }
    package static func - (moment: Self, duration: Duration) -> Self { moment + (.zero - duration) }
    package static func - (later: Self, earlier: Self) -> Duration {
        let (difference, overflow) = later.milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return .milliseconds(overflow ? (later < earlier ? Int64.min : Int64.max) : difference)
    }
}

extension Timestamp {
    /// Whole seconds as RFC 3339 in UTC, e.g. `2026-11-24T12:00:00Z`. Years 0000 to 9999; beyond that the nearest of them.
    package var rfc3339: String {
        let seconds = min(max(milliseconds / 1000, -62_167_219_200), 253_402_300_799)
        let rest = (seconds % 86_400 + 86_400) % 86_400
        let days = (seconds - rest) / 86_400
        // Days to a date in the proleptic Gregorian calendar, with years that begin in March.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        var text: [UInt8] = []
        text.reserveCapacity(20)
        func put(_ number: Int64, _ scale: Int64, _ after: Unicode.Scalar) {
            var scale = scale
            while scale > 0 {
                text.append(0x30 + UInt8(number / scale % 10))
                scale /= 10
            }
            text.append(UInt8(ascii: after))
        }
        put(year, 1000, "-")
        put(month, 10, "-")
        put(day, 10, "T")
        put(rest / 3600, 10, ":")
        put(rest / 60 % 60, 10, ":")
        put(rest % 60, 10, "Z")
        return String(decoding: text, as: UTF8.self)
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero, saturating.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, sumOverflow) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return sumOverflow ? (seconds < 0 ? .min : .max) : sum
    }
}

/// The port for the wall clock, so that tests pass the time in.
package protocol WallClock: Sendable {
    func now() -> Timestamp
    /// Returns after this long, or at once when the task is cancelled.
    func sleep(for duration: Duration) async
}
