// The front page of Model: the words that every other target shares, and the ports between them.
//
// Reading order: SecretText (what cannot print itself), SessionToken, UserKey, Session, DeviceFacts, HeaderFields,
// MessageBody, UpstreamRequest, UpstreamResponse, TransportError; then the ports: UpstreamTransport, SessionStore, WallClock.
//
// Who may import it: every Swift target of the sidecar. It imports nothing: no NIO, no C, no Foundation.
//
// What must never happen here: work (values and protocols only); a secret that prints; text compared as a Swift `String`.
