// The front page of SessionStores: where sessions survive a crash.
//
// Reading order: SessionRecord (a session as bytes), SealedRecord (those bytes, sealed for one user), StoreModel (the rules of the
// port as a value), MemoryStore, SQLiteStore (one transaction for all that waits), SQLiteConnection (the wall to C), OwnerLock,
// StoreKeyFile, MeasuredStore (any of them, counted and timed). In Redis/: RedisScripts (the same rules on the server), RedisStore,
// RedisRow (what they answer), RedisLink (keeps the connections up), RedisHandshake, RedisConnection, RedisCodec (the wall to C).
//
// Who may import it: App alone. One conformance suite runs against every store.
//
// What must never happen here: a write call returns before the write is durable; a token, user key or fingerprint in clear text
// in a file; an older generation over a newer one; a damaged record taken for an empty store.
