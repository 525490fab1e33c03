// One-time sso_tickets (T3 issues, T4 uses up).

struct TicketBook: Sendable {
    struct Ticket: Sendable {
        let place: TokenPlace
        let expiresAt: Duration
    }

    private var tickets: [ExactText: Ticket] = [:]
    /// Seconds, as in Bamboocloud's example.
    static let life = 300
    /// Expired tickets are swept above this count, which then grows so that sweeping stays rare.
    private var sweepAbove = 100_000

    mutating func issue(_ ticket: ExactText, place: TokenPlace, now: Duration) {
        if tickets.count > sweepAbove {
            tickets = tickets.filter { $0.value.expiresAt > now }
            sweepAbove = max(sweepAbove, 2 * tickets.count)
        }
        tickets[ticket] = Ticket(place: place, expiresAt: now + .seconds(Self.life))
    }

    /// Where a ticket that still counts came from; nil for a used, expired or unknown one.
    func place(_ ticket: ExactText, now: Duration) -> TokenPlace? {
        guard let found = tickets[ticket], found.expiresAt > now else { return nil }
        return found.place
    }

    mutating func use(_ ticket: ExactText) {
        tickets[ticket] = nil
    }
}
