// The front page of Pipeline: one request, top to bottom.
//
// Reading order: ProxyPipeline (the page that is the product), ProxiedCall (a request as it was understood), UpstreamSender (the
// second page: access token, injection, one sending, at most one more), TenantRenewal (a rotation as a request), CircuitBreaker
// and RetryBudget (a tenant that fails is not made worse), StreamedBodies, EnvelopeFacts (what an X-signature
// needs), SessionAnswers (what a rotation's end is to the app), UnaskedCalls and FreshSessions (refreshes that no app asked for),
// TokenEndpoint, LocalResource and LocalAPI, Explanation (what would become of a request) and ExplanationText, OpenAPIDocument
// and OpenAPIListing, LocalMessages (request and answer as values), ProxyError (what can go wrong) and ErrorCatalogue (how each is
// answered), RequestIdentity and TraceContext (its names), RequestLog (what is told of it).
//
// Who may import it: Listener and App. It knows neither sockets nor libcurl nor a store: requests come in as values, go out
// through ports and return as values.
//
// What must never happen here: an answer before what it says is durable; a request sent again that the tenant may have carried
// out; the text of an inner error in an answer.
