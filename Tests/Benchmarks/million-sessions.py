#!/usr/bin/env python3
"""What it costs to ask for the newest token of any one of 1, 10,000 and 1,000,000 users, in CPU time of the sidecar: three sidecars with
so many sessions in memory, asked in turn by 32 connections for users in no order. Needs wrk (Debian's package) and 1.3 GB of memory.

  Tests/Benchmarks/million-sessions.py [PROGRAM]     default .build/release/ciam-sidecar
"""
import os, re, statistics, sys, tempfile, urllib.request

from programs import RESULT, calls, cpu, need, start, stop

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(__file__), "..", "..", ".build", "release", "ciam-sidecar")
SIZES = [1, 10_000, 1_000_000]
ROUNDS = 8

SCRIPT = """
local kind, users, next = os.getenv("KIND"), tonumber(os.getenv("BENCH_USERS")), tonumber(os.getenv("FIRST"))
local path = "/sidecar/v1/users/user-%07d/session-token"
local body = '{"session_token":"tok%037d","expire":43200,"device_fingerprint":"fp%08d"}'
math.randomseed(next)
function request()
    if kind == "get" then return wrk.format("GET", path:format(math.random(1, users))) end
    next = next % users + 1
    return wrk.format("PUT", path:format(next), { ["Content-Type"] = "application/json" }, body:format(next, next))
end
"""


class Sidecar:
    def __init__(self, users, script):
        self.users, self.script = users, script
        self.process, line = start(
            PROGRAM, [], " info ready ",
            SIDECAR_TENANT_URL="https://localhost:1", SIDECAR_ACCESS_TOKEN="none",  # The tenant is not asked for anything.
            SIDECAR_LISTEN="127.0.0.1:0", SIDECAR_ADMIN_LISTEN="127.0.0.1:0", SIDECAR_STORE_URL="memory:",
            SIDECAR_CACHE_SESSIONS="1000000")
        self.url = "http://" + re.search(r" listen=(\S+)", line)[1]
        self.admin = "http://127.0.0.1:" + re.search(r" admin=(\d+)", line)[1]

    def fill(self):
        known = self.known()
        while known < self.users:
            self.call("put", known, 1 if self.users < 100_000 else 10)
            before, known = known, self.known()
            if known == before:
                raise SystemExit(f"no more than {known} of {self.users} sessions are kept")

    def call(self, kind, first, seconds):
        return calls(
            self.url, self.script, 32, seconds, KIND=kind, FIRST=str(first), BENCH_USERS=str(self.users))

    def known(self):
        metrics = urllib.request.urlopen(self.admin + "/metrics").read().decode()
        return int(float(re.search(r'^sidecar_sessions{[^}]*state="live"[^}]*} (\S+)$', metrics, re.M)[1]))

    def look_up(self, seed):
        before = cpu(self.process)
        count = self.call("get", seed, 1)
        return (cpu(self.process) - before) / count


def main():
    need(PROGRAM)
    with tempfile.TemporaryDirectory() as folder:
        script = folder + "/calls.lua"
        open(script, "w").write(SCRIPT + RESULT)
        sidecars = []
        try:
            for users in SIZES:
                sidecars.append(Sidecar(users, script))
                sidecars[-1].fill()
            # Other users in each round, the same for all three.
            costs = [[sidecar.look_up(1 + seed) for sidecar in sidecars] for seed in range(ROUNDS)]
            print("| sessions in memory | CPU µs for a look-up | ratio to one session |\n|---|---|---|")
            for index, users in enumerate(SIZES):
                cost = statistics.median(row[index] for row in costs)
                ratio = statistics.median(row[index] / row[0] for row in costs)
                print("| %d | %.1f | %.2f |" % (users, cost, ratio))
        finally:
            stop(sidecar.process for sidecar in sidecars)


main()
