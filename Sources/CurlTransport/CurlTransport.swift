// The front page of CurlTransport: libcurl behind the `UpstreamTransport` port; the only room that knows it.
//
// Reading order: CurlClient (the port), TransferLoop (one thread owns every handle), LoopInbox and LoopThread (how work gets there),
// TransferPhase (what has happened to a request), AnswerMailbox and AnswerHandover (head and body on their way out), BodyFeed (a body
// on its way in). Two lanes: DirectLane (which connection a request gets), DirectExchange (the bytes of both), DirectConnection and
// DirectTransfer, where libcurl connects, tunnels, verifies and moves bytes and the codec of HTTP1 frames them; and Transfer, where
// libcurl does all of it (HTTP/2, or by wish), every raw header line being checked. Then the wall to C: ConnectionPool (libcurl's handle
// of the general lane and when it is replaced), Readiness (what is waited for), Callbacks, EasyHandle (with CurlSettings), MultiHandle,
// ConnectionBook (what is known of connections), HeaderList, CurlError.
//
// Why a thread of its own, and not the listener's event loop: about a tenth of a request's CPU could be saved there, and whatever libcurl
// waits for by itself (a look-up on an old version, a file of authorities, a handshake) would hold up every answer from the cache.
//
// Why an inbox and not an actor on the loop thread: tried side by side, a hop to such an actor costs the same (1.07 µs against
// 1.24 µs of CPU for a round trip, of about 100 for a request). The loop is confined without one: it is a value that lives and dies
// inside one function on its thread. And an inbox hands over everything that waits at once, between two passes.
//
// Who may import it: App alone.
//
// What must never happen here: a libcurl handle touched by another thread, or freed in a `deinit`; a callback that waits, throws,
// logs or traps; an option of one request left over for the next; a request sent a second time by libcurl itself.
