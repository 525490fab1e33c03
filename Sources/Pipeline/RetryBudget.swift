// How often failed requests may be tried again, so that retries never become the load.

/// At most a tenth of the requests, and a few to begin with.
struct RetryBudget: Sendable {
    private static let share = 0.1
    private static let most = 10.0

    private var balance = most

    mutating func requestBegan() { balance = min(balance + Self.share, Self.most) }

    /// Whether one may be tried again; it is paid for then.
    mutating func take() -> Bool {
        guard balance >= 1 else { return false }
        balance -= 1
        return true
    }
}
