// The front page of CurlTransport: libcurl behind the `UpstreamTransport` port; the only room that knows it.
//
// Reading order: CurlClient (the port), TransferLoop (one thread owns every handle), LoopInbox and LoopThread (how work gets
// there), Transfer and TransferPhase (one request and what has happened to it), AnswerHeadReader (every raw header line is
// checked), AnswerMailbox (head and body on their way out), BodyFeed (a body on its way in), then the wall to C: Callbacks,
// EasyHandle, MultiHandle, HeaderList, CurlError.
//
// Who may import it: App alone.
//
// What must never happen here: a libcurl handle touched by another thread, or freed in a `deinit`; a callback that waits, throws,
// logs or traps; an option of one request left over for the next; a request sent a second time by libcurl itself.
