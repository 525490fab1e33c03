// The front page of Tenant: the tenant's wire contract as data and pure readings.
//
// Reading order: Route (what one row of the tenant's API asks for), RouteTable (path to row), TenantProfile (the rows) and
// its three editions CIAMProfile, EIAMProfile, OneAccessProfile, RouteListing (the rows as a table for people), then what comes
// back: AnswerReading (sessions and access tokens in 200s), RefusalReading (what an error says).
//
// Who may import it: Injection, AccessTokens, Pipeline and App. It imports Model and JSONText.
//
// What must never happen here: a decision by the text of a message (they are localised); by host instead of by path; a trap on
// any number that a tenant may send.
