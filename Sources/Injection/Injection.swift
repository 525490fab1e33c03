// The front page of Injection: pure functions on header fields and JSON bodies.
//
// Reading order: ForwardedFields (what of the app's fields goes on), DeviceFields (which device values), CredentialInjector
// (the request as it leaves), AnswerScrubber (our own credential never comes back).
//
// Who may import it: Pipeline and App. It waits for nothing and reads nothing but its arguments.
//
// What must never happen here: a byte of a body changed that was not meant; the access token put on any path but the tenant
// family's; two fields of a name where one was meant.
