// The front page of AccessTokens: the application's bearer, renewed before its end.
//
// Reading order: AccessTokenWindow (when to renew and what may be used, as a value), AccessTokenFetching (the port to where
// tokens come from), ClientCredentialsGrant (T1), FixedAccessToken and FileAccessToken, AccessTokenSource (one fetch at a time).
//
// Who may import it: Pipeline and App. It imports Model and Tenant.
//
// What must never happen here: an expired token given out; two fetches at once; a secret in a query string, a log line or an error.
