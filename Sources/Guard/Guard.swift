// The front page of Guard: may this request pass at all?
//
// Reading order: AdmissionPolicy (all checks in their one order), RequestTarget (path and query, unambiguous), HostPolicy.
//
// Who may import it: Pipeline and App. It imports Model alone and does nothing but decide.
//
// What must never happen here: a refusal that depends on the order of header fields; a path that two programs could read in two
// ways let through; a secret compared in a time that tells something.
