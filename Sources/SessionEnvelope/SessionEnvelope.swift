// The front page of SessionEnvelope: a session token sealed for OneAccess (`X-signature`, tenant facts 2.4).
//
// Reading order: EnvelopeKey (the tenant's public key, and sealing), ServerClock (the time that the tenant believes in),
// EnvelopeText (what is sealed), EnvelopeSource (key and clock, fetched once and kept).
//
// Who may import it: Pipeline and App. It asks the tenant through a port and knows nothing of HTTP.
//
// What must never happen here: a nonce used twice; a token sealed with a key below 2048 bits; the wall clock of this host taken for
// the tenant's.
