// The front page of TestSupport: what several test targets share.
//
// Reading order: Samples (values with telling names), ManualClock (time passed in), Gate (an event that is waited for),
// ScriptedTransport and ScriptedRenewal (the ports, played by a test), LogRecorder, RawClient (bytes on a socket),
// TestFolder.
//
// Who may import it: test targets. What must never happen here: a sleep; a rule of the product written a second time.
