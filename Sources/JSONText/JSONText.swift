// The front page of JSONText: JSON as bytes, read strictly and changed without touching what was not meant.
//
// Reading order: JSONFault (what is refused), JSONGrammar (RFC 8259 over a span of bytes), JSONObject (the members of a
// top-level object and where they stand), JSONString (decoding and encoding of one string).
//
// Who may import it: Injection (body fields), Tenant (answers and refusals), Pipeline (the local API).
// It imports nothing, not even Model.
//
// What must never happen here: a value is re-spelled that nobody asked to change; a document is accepted that two parsers
// could read in two ways (duplicate keys, lone surrogates, invalid UTF-8); recursion deeper than `JSONGrammar.maximumDepth`;
// a token is compared as a Swift `String` (canonical equivalence).
