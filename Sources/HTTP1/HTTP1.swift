// The front page of HTTP1: messages of HTTP/1.1 as bytes (RFC 9112), without any I/O.
//
// Reading order: FieldLine (one line of a head), MessageFraming (how a body ends), RequestReader (what a caller says), ChunkedReader (a
// body in chunks), AnswerHeadReader (what a tenant says, line by line), AnswerReader (all of an answer), RequestWriter, ReasonPhrase.
//
// A credential proxy's framing is its security: whatever two programs could read in two ways is refused here, and everything that is
// accepted has one meaning. Nothing is repaired: no folded lines, no bare line feeds, no white space before a colon, no two lengths.
//
// Who may import it: Listener and CurlTransport.
//
// What must never happen here: a byte that belongs to one message read as another's; memory that grows with what a stranger sends.

/// Why bytes are no message. Nothing more can be read after it.
package enum HTTP1Fault: Error, Sendable, Equatable {
    case malformed
    /// A head, a chunk's extensions, or trailers, without an end.
    case tooLarge
}
