// The time that the tenant believes in.

internal import JSONText
internal import Model

/// The tenant's clock, counted on from one reading. The wall clock of this host may be wrong, or be set; the continuous one is not.
struct ServerClock: Sendable {
    private let reading: Int64
    private let readAt: ContinuousClock.Instant
    /// How many of the tenant's units make a second: 1, or 1000 from 1973 on in milliseconds.
    private let perSecond: Int64

    /// Nil when it is no time.
    /// - Parameters:
    ///   - answer: of `GET /api/v2/sdk/server-date`: `timestamp` since 1970, a string or a number, in seconds or milliseconds.
    ///   - sent: when it was asked for, and `received` when the answer was there: it was right in the middle.
    init?(answer: [UInt8], sent: ContinuousClock.Instant, received: ContinuousClock.Instant) {
        guard let object = try? JSONObject(answer), let member = object.member("timestamp") else { return nil }
        let digits = object.string("timestamp") ?? Array(object.text[member.value])
        guard digits.count <= 18, let number = ASCII.decimal(digits[...]) else { return nil }
        reading = Int64(number)
        readAt = sent + (received - sent) / 2
        perSecond = number >= 100_000_000_000 ? 1000 : 1
    }

    /// In the tenant's unit.
    func timestamp(at now: ContinuousClock.Instant) -> Int64 {
        let (seconds, attoseconds) = (now - readAt).components
        return reading + seconds * perSecond + attoseconds / (1_000_000_000_000_000_000 / perSecond)
    }
}
