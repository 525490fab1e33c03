// The front page of Sessions: which session token is the newest, and one rotation at a time.
//
// Reading order: RotationPolicy (the settings), SessionLedger (every rule, as a value), SharedLedger (the rules for a store that others
// write to), SessionTable (what is in memory; PackedSession, RecordPages and SlotIndex are how), TokenLocation (whose token is this?),
// RotationSettlement (what an attempt's end means), KeepFresh, SessionRenewal (the port to the tenant), RotationFlight (one attempt and
// those who wait for it), SessionCoordinator, RotationAttempt, SharedSessions, SessionLearning, SessionSaving and IDTokens (wait and do),
// IDTokenBook, TokenHasher.
//
// Who may import it: Pipeline and App. It knows nothing of HTTP, of SQLite or of libcurl.
//
// What must never happen here: two presentations of a session's token in the air; an answer to the app before the new token is
// durable; a rotation that ends because its caller went away; a rule outside the ledger.
