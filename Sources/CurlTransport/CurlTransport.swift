// The front page of CurlTransport: libcurl behind the `UpstreamTransport` port; the only room that knows it.
//
// Reading order: CurlClient (the port), LoopInbox (how work gets to the loop), LoopHost (the loop's place on an event loop), TransferLoop
// (owns every handle), TransferPhase (what has happened to a request), AnswerMailbox and AnswerHandover (head and body on their way
// out), BodyFeed (a body on its way in). Two lanes: DirectLane (which connection a request gets), DirectExchange (the bytes of both),
// DirectConnection and DirectTransfer, where libcurl connects, tunnels, verifies and moves bytes and the codec of HTTP1 frames them; and
// Transfer, where libcurl does all of it (HTTP/2, or by wish), every raw header line being checked. Then the wall to C: Readiness (the
// sockets that are waited for), Doorbell (how the event loop waits for them; WatcherThread where the system does not help),
// ConnectionPool (libcurl's handle of the general lane and when it is replaced), TLSSessions (what new connections resume), Callbacks,
// EasyHandle (with CurlSettings), MultiHandle, ConnectionBook (what is known of connections), HeaderList, CurlError.
//
// Why the listener's event loop, and not a thread of its own: a request and its answer change threads nowhere. That takes 7 % of a
// request's CPU away with one connection, 5 % with 256 and nothing with 32, where one change serves many, and half of the changes of
// thread of a refresh. What libcurl does by itself holds up what else is on the loop, as with any proxy of one thread: a handshake (about
// a millisecond), and the reading of the file of authorities (tens of milliseconds for the system's, once in a day and at a reload).
// Names are looked up on threads of libcurl's.
//
// Why an inbox, and not the loop itself from wherever a request is on the event loop: what begins between two passes goes out in the next
// one, in which the system's list has been looked at once for all, and nothing that libcurl calls can come back into it. Once sixteen wait
// the pass is made then and there: what a request is about is still in the processor's caches.
//
// Who may import it: App alone.
//
// What must never happen here: a libcurl handle touched outside of the event loop, or freed in a `deinit`; a callback that waits, throws,
// logs or traps; an option of one request left over for the next; a request sent a second time by libcurl itself.
