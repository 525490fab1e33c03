// Durations and sizes as people write them.

internal import Model

/// Strict readings of numbers with units.
enum Units {
    /// `250ms`, `8s`, `5m`, `12h`; no sign, no fraction.
    static func duration(_ text: String) -> Duration? {
        let (digits, unit) = split(text)
        guard let number = ASCII.decimal(digits[...]), number <= 1_000_000_000 else { return nil }
        return switch unit {
        case "ms": .milliseconds(number)
        case "s": .seconds(number)
        case "m": .seconds(number * 60)
        case "h": .seconds(number * 3600)
        default: nil
        }
    }

    /// Bytes: `4096`, `64KiB`, `1MiB`, `1GiB`; above zero.
    static func size(_ text: String) -> Int? {
        let (digits, unit) = split(text)
        guard let number = ASCII.decimal(digits[...]), number > 0, number <= 1 << 30 else { return nil }
        return switch unit {
        case "": number
        case "KiB": number << 10
        case "MiB": number << 20
        case "GiB": number <= 1 << 20 ? number << 30 : nil
        default: nil
        }
    }

    private static func split(_ text: String) -> (digits: [UInt8], unit: String) {
        let bytes = Array(text.utf8)
        let digits = bytes.prefix { $0 >= 0x30 && $0 <= 0x39 }
        return (Array(digits), String(decoding: bytes[digits.count...], as: UTF8.self))
    }

    /// How many letters have to be changed, added or taken away to make one name of the other.
    static func distance(_ one: String, _ other: String) -> Int {
        let other = Array(other.utf8)
        var row = Array(0...other.count)
        for (i, letter) in one.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in other.indices {
                let cost = min(diagonal + (letter == other[j] ? 0 : 1), row[j] + 1, row[j + 1] + 1)
                (diagonal, row[j + 1]) = (row[j + 1], cost)
            }
        }
        return row[other.count]
    }
}
