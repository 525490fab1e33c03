#!/usr/bin/env python3
"""What a refresh with its two durable commits to SQLite costs beside a ticket call, in CPU time of one sidecar: 64 users in parallel, the
two kinds in turn. The sidecar has one core, tenant and callers the other. Needs wrk (Debian's package) and two cores.

  Tests/Benchmarks/refresh.py [BUILD_FOLDER]     default .build/release; needs the programs ciam-sidecar and tenant-emulator
"""
import http.client, json, os, statistics, sys, tempfile

from programs import BESIDE_EMULATOR, RESULT, calls, cpu, listening, need, start, stop

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..", ".build", "release")
USERS = 64
ROUNDS = 12
KINDS = {"sso-ticket": "ticket (T3)", "refresh": "refresh (T2)"}

SCRIPT = """
local kind, users, n = os.getenv("KIND"), tonumber(os.getenv("BENCH_USERS")), 0
function request()
    n = n % users + 1
    return wrk.format("POST", "/api/v2/tenant/sso/session-token/" .. kind,
        { ["X-Sidecar-User"] = "user-" .. n, ["Content-Type"] = "application/json" },
        '{"application":"orders","amount":1000,"currency":"EUR","items":[1,2,3]}')
end
"""


def post(port, path, body, method="POST", **fields):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **fields})
    status = connection.getresponse().status
    if status >= 300:
        raise SystemExit(f"{path} was answered with {status}")


def cost(sidecar, port, kind, script, seconds):
    before = cpu(sidecar)
    count = calls(f"http://127.0.0.1:{port}", script, USERS, seconds, core=1, KIND=kind, BENCH_USERS=str(USERS))
    return (cpu(sidecar) - before) / count


def main():
    programs = {name: os.path.join(FOLDER, name) for name in ["ciam-sidecar", "tenant-emulator"]}
    need(*programs.values())
    with tempfile.TemporaryDirectory() as folder:
        script = folder + "/calls.lua"
        open(script, "w").write(SCRIPT + RESULT)
        emulator, line = start(programs["tenant-emulator"], ["--directory", folder + "/tenant"], '"control"', core=1)
        processes = [emulator]
        try:
            places = json.loads(line)
            post(int(places["control"].rsplit(":", 1)[1]), "/settings", {"request_log": False}, method="PUT")
            sidecar, line = start(
                programs["ciam-sidecar"], [], " ready ", core=0, SIDECAR_TENANT_URL=places["url"],
                SIDECAR_UPSTREAM_HTTP="1.1", SIDECAR_CA_FILE=folder + "/tenant/ca.pem",
                SIDECAR_STORE_URL=f"sqlite:{folder}/sessions.db", **BESIDE_EMULATOR)
            processes.append(sidecar)
            port = listening(line)
            for number in range(1, USERS + 1):
                user = f"user-{number}"
                post(port, "/api/v2/sdk/login", {"user_name": user, "password": "demo-password"}, **{"X-Sidecar-User": user})
            for kind in KINDS:
                cost(sidecar, port, kind, script, 1)
            rounds = [[cost(sidecar, port, kind, script, 2) for kind in KINDS] for _ in range(ROUNDS)]
            print("| %d users in parallel | CPU µs (median of %d) |\n|---|---|" % (USERS, ROUNDS))
            for index, name in enumerate(KINDS.values()):
                print("| %s | %.1f |" % (name, statistics.median(row[index] for row in rounds)))
            ratios = sorted(row[1] / row[0] for row in rounds)
            print("| ratio, pairs | %.2f (%.2f to %.2f) |" % (statistics.median(ratios), ratios[0], ratios[-1]))
        finally:
            stop(processes)


main()
