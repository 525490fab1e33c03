// Front page of the tenant emulator: a strict stand-in for the identity tenant, for tests, the quickstart and benchmarks.
//
// What lives here: the rules of the tenant API (T1-T4, L1-L15, S1-S10) as a value, faults that can be switched on, a TLS
// listener (HTTP/1.1 and HTTP/2) that plays the tenant, and a plain control listener that tests talk to.
//
// Reading order: `TenantRules` with its neighbours `BearerRules`, `LoginRules`, `RotationRules`, `TicketRules` and `UserCallRules` (what
// the tenant does), `SessionBook` (who holds which token), `Fault` (what can go wrong), `TenantDesk` (the one lock),
// `Exchange` (one request from arrival to answer), `HTTP1Connection` and `HTTP2Stream` (bytes), `ControlRoutes`,
// `RunningEmulator` (start and stop).
//
// Who may import it: `TenantEmulatorCommand` and test targets. It imports nothing of the sidecar, so that one
// misreading of the tenant API cannot hide in both.
//
// What must never happen: an answer more lenient than the tenant's; a private key on disk; a session token accepted
// twice without being counted; a test that has to sleep because the control port cannot tell it what it waits for.
