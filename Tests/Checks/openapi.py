"""Asks a running sidecar everything that its OpenAPI document offers, and holds the answers against the document.

usage: openapi.py SIDECAR_URL EMULATOR_CONTROL_URL

Every answer has to be documented, with its body valid by its schema; every documented status has to be seen; whatever is not
documented has to be refused. Prints one line per finding and exits 1 if there is any.
"""

import http.client
import json
import sys
import urllib.parse

from jsonschema import Draft202012Validator, RefResolver

sidecar, control = sys.argv[1], sys.argv[2]
findings = []
seen = set()


def send(base, method, path, body=None, headers=None):
    address = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    text = None if body is None else body if isinstance(body, str) else json.dumps(body)
    connection.request(method, path, text, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, content


_, _, text = send(sidecar, "GET", "/sidecar/v1/openapi.json")
document = json.loads(text)
resolver = RefResolver.from_schema(document)


def resolved(node):
    return resolver.resolve(node["$ref"])[1] if "$ref" in node else node


def walk(node):
    if isinstance(node, dict):
        if "$ref" in node:
            resolver.resolve(node["$ref"])
        for value in node.values():
            walk(value)
    elif isinstance(node, list):
        for value in node:
            walk(value)


walk(document)
if not document["openapi"].startswith("3.1."):
    findings.append("not OpenAPI 3.1")
for name, schema in document["components"]["schemas"].items():
    Draft202012Validator.check_schema(schema)


def call(method, template, status, body=None, headers=None, user="alice"):
    """One call, whose status has to be this one, and its answer as the document says."""
    path = template.replace("{user}", user).split(" ")[0]
    operation = document["paths"][template.split("?")[0]][method.lower()]
    given, fields, content = send(sidecar, method, path, body, headers)
    name = f"{method} {path} {'' if body is None else body}"
    if given != status:
        findings.append(f"{name}: {given} instead of {status}: {content[:200]}")
        return None
    key = str(given) if str(given) in operation["responses"] else "default"
    if key not in operation["responses"]:
        findings.append(f"{name}: {given} is not documented")
        return None
    seen.add((operation["operationId"], key))
    response = resolved(operation["responses"][key])
    for header, definition in response.get("headers", {}).items():
        if header.lower() in fields:
            errors = list(Draft202012Validator(definition["schema"]).iter_errors(fields[header.lower()]))
            findings.extend(f"{name}: {header}: {error.message}" for error in errors)
    if "content" not in response:
        if content:
            findings.append(f"{name}: a body that is not documented")
        return None
    media = fields.get("content-type", "").split(";")[0]
    if media not in response["content"]:
        findings.append(f"{name}: content type {media} is not documented")
        return None
    if media != "application/json":
        return content.decode()
    value = json.loads(content)
    schema = response["content"][media].get("schema")
    if schema:
        validator = Draft202012Validator(schema, resolver=resolver)
        findings.extend(f"{name}: {error.message}" for error in validator.iter_errors(value))
    return value


def open_session(user):
    _, _, content = send(control, "POST", "/sessions", {"user": user, "device_fingerprint": "phone"})
    return json.loads(content)["session_token"]


TOKEN = "/sidecar/v1/users/{user}/session-token"
REFRESH = TOKEN + "/refresh"
USER = "/sidecar/v1/users/{user}"
EXPLAIN = "/sidecar/v1/explain"

# Nobody is known.
for method, template in [("GET", TOKEN), ("POST", REFRESH), ("GET", USER)]:
    call(method, template, 404)
    call(method, template, 400, user="%01")
call("GET", TOKEN + "?min_validity=-1", 400)

# Handing over.
first = open_session("alice")
for wrong in ["", "[]", {}, {"session_token": 5}, {"session_token": first, "expire": 0}, {"session_token": "a b"}]:
    call("PUT", TOKEN, 400, wrong)
call("PUT", TOKEN, 204, {"session_token": first, "expire": 43200, "device_fingerprint": "phone"})
call("PUT", TOKEN, 409, {"session_token": first}, user="bob")

# Reading and refreshing.
if call("GET", TOKEN, 200)["session_token"] != first:
    findings.append("the token that was handed over is not the newest one")
if call("GET", TOKEN, 200, headers={"Accept": "text/plain"}) != first:
    findings.append("the token alone is another one")
second = call("POST", REFRESH, 200)["session_token"]
if second == first or call("GET", USER, 200)["state"] != "live":
    findings.append("the refresh did not refresh")
call("PUT", TOKEN, 409, {"session_token": first})
asked = {"path": "/api/v2/tenant/sso/session-token/sso-ticket", "headers": {"X-Sidecar-User": "alice"}, "body": {}}
explained = call("POST", EXPLAIN, 200, asked)
if second in json.dumps(explained) or explained["outcome"] != "forwarded" or explained["route"] != "T3":
    findings.append(f"the explanation is wrong: {explained}")
call("POST", EXPLAIN, 200, {"path": "/nowhere"})
call("POST", EXPLAIN, 400, {"method": "GET"})
call("GET", "/sidecar/v1/openapi.json", 200)

# A session that the tenant calls over.
send(control, "DELETE", "/sessions/alice")
call("POST", REFRESH, 400)
for method, template in [("GET", TOKEN), ("POST", REFRESH)]:
    call(method, template, 410)
if call("GET", USER, 200)["state"] != "dead":
    findings.append("a session that is over is not called dead")
call("DELETE", USER, 204)
call("DELETE", USER, 400, user="%01")
call("GET", TOKEN, 404)

# What is not documented is not there.
for template, item in document["paths"].items():
    for method in ["GET", "PUT", "POST", "DELETE", "PATCH"]:
        if method.lower() in item:
            continue
        status, fields, content = send(sidecar, method, template.replace("{user}", "alice"))
        if status != 405 or fields.get("x-sidecar-error") != "METHOD_NOT_ALLOWED":
            findings.append(f"{method} {template} is not documented and gives {status}")
for path in ["/sidecar/v1/users", "/sidecar/v1/users/a/b", "/sidecar/v1/", "/sidecar/v2/users/a", "/sidecar/v1/users/a/session-token/x"]:
    status, _, _ = send(sidecar, "GET", path)
    if status not in (403, 404):
        findings.append(f"GET {path} is not documented and gives {status}")

# What is documented was seen; `default` stands for errors that need a failing disk or tenant.
for template, item in document["paths"].items():
    for method, operation in item.items():
        if method == "parameters":
            continue
        for status in operation["responses"]:
            if status != "default" and (operation["operationId"], status) not in seen:
                findings.append(f"{operation['operationId']} {status} is documented and was never seen")

print(f"{len(seen)} documented answers seen")
for finding in findings:
    print("finding:", finding)
sys.exit(1 if findings else 0)
