// The front page of Admin: whether the sidecar lives and is ready, on a port of its own.
//
// Reading order: Readiness (reasons as a value), AdminListener (the port and what each path answers).
//
// Who may import it: App alone. It gets what it shows as a closure and knows none of the rooms behind it.
//
// What must never happen here: the data plane; a secret; an answer that waits for the tenant or the store.
