# Calls the tenant through the sidecar. Run: python3 python.py [base URL]
import json
import os
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

CURRENT = "/sidecar/v1/users/alice/session-token"
TENANT = "/api/v2/tenant/sso/session-token"
url = sys.argv[1] if sys.argv[1:] else os.getenv("SIDECAR_URL", "http://127.0.0.1:8180")
sidecar = HTTPConnection(urlsplit(url).netloc, timeout=60)


def send(path, body=None):
    kind = {"Content-Type": "application/json"} if body else {"Accept": "text/plain"}
    fields = {"X-Sidecar-User": "alice", **kind}
    sidecar.request("POST" if body else "GET", path, body, fields)
    answer = sidecar.getresponse()
    return answer, answer.read().decode()


def call(path, body=None):
    answer, text = send(path, body)
    return text if answer.status == 200 else sys.exit(f"{path}: {answer.status} {text}")


known, _ = send(CURRENT)
# Unknown, dead or lost: there is no session.
if known.getheader("X-Sidecar-Error", "").startswith("SESSION_"):
    login = {"user_name": "alice", "password": "demo-password"}
    call("/api/v2/sdk/login", json.dumps(login))
refreshed = json.loads(call(TENANT + "/refresh", "{}"))
print(f"refreshed expire={refreshed['expire']}")
print(f"token {call(CURRENT):.4}...")
ticket = json.loads(call(TENANT + "/sso-ticket", "{}"))
print(f"ticket {ticket['sso_ticket']:.4}...")
