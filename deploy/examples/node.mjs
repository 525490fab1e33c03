// Calls the tenant through the sidecar. Run: node node.mjs [base URL]
const base = process.argv[2] ?? process.env.SIDECAR_URL ?? "http://127.0.0.1:8180";
const current = "/sidecar/v1/users/alice/session-token";
const tenant = "/api/v2/tenant/sso/session-token";

function send(path, body) {
  const kind = body ? { "Content-Type": "application/json" } : { Accept: "text/plain" };
  const headers = { "X-Sidecar-User": "alice", ...kind };
  const signal = AbortSignal.timeout(60_000);
  return fetch(base + path, { method: body ? "POST" : "GET", headers, body, signal });
}

async function call(path, body) {
  const answer = await send(path, body);
  const text = await answer.text();
  if (answer.status === 200) return text;
  console.error(`${path}: ${answer.status} ${text}`);
  process.exit(1);
}

const known = await send(current);
// Unknown, dead or lost: there is no session.
if (known.headers.get("X-Sidecar-Error")?.startsWith("SESSION_")) {
  const login = { user_name: "alice", password: "demo-password" };
  await call("/api/v2/sdk/login", JSON.stringify(login));
}
const { expire } = JSON.parse(await call(`${tenant}/refresh`, "{}"));
console.log(`refreshed expire=${expire}`);
const token = await call(current);
console.log(`token ${token.slice(0, 4)}...`);
const { sso_ticket: ticket } = JSON.parse(await call(`${tenant}/sso-ticket`, "{}"));
console.log(`ticket ${ticket.slice(0, 4)}...`);
