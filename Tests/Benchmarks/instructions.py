#!/usr/bin/env python3
"""How many instructions of the sidecar one call takes, outside the kernel: a figure that repeats where times do not. Two runs under
callgrind, one with more calls than the other; what they differ by, divided by the calls. In both all connections to the tenant are made
long before the end. Needs valgrind and gcc (Debian's packages).

  Tests/Benchmarks/instructions.py [BUILD_FOLDER]     default .build/release; needs the programs ciam-sidecar and tenant-emulator

CALLGRIND_OUT=FILE keeps what callgrind has found in the larger ticket run, for callgrind_annotate.
"""
import concurrent.futures, http.client, json, os, re, subprocess, sys, tempfile, threading

from programs import BESIDE_EMULATOR, listening, need, start, stop

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..", ".build", "release")
FEW, MANY = 1280, 2560
SESSION = "/api/v2/tenant/sso/session-token/"
# What, how many connections, and the call.
ROWS = [
    ("ticket (T3), 1 connection", 1, "POST", SESSION + "sso-ticket"),
    ("ticket (T3), 32 connections", 32, "POST", SESSION + "sso-ticket"),
    ("refresh (T2) to SQLite, 32 connections", 32, "POST", SESSION + "refresh"),
    ("newest token, 32 connections", 32, "GET", "/sidecar/v1/users/{}/session-token"),
]
BODY = '{"application":"orders","amount":1000,"currency":"EUR","items":[1,2,3],"nested":{"a":true,"b":null}}'

# libdispatch keeps the mask that it waits with in memory that cannot be written; valgrind writes to it.
SHIM = """
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
int sigsuspend(const sigset_t *mask) { sigset_t copy = *mask; return (int)syscall(SYS_rt_sigsuspend, &copy, 8); }
"""


def request(connection, user, method, path, body=BODY):
    connection.request(
        method, path.format(user), None if method == "GET" else body,
        {"X-Sidecar-User": user, "Content-Type": "application/json", "Accept": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{path} was answered with {answer.status}")


def collected(tenant, shim, folder, connections, method, path, calls):
    """Instructions of one run of the sidecar, from its start to its end."""
    store = tempfile.mkdtemp(dir=folder)
    sidecar, line = start(
        "valgrind",
        ["--tool=callgrind", f"--callgrind-out-file={store}/out", f"--log-file={store}/log",
         os.path.join(FOLDER, "ciam-sidecar")], " ready ",
        LD_PRELOAD=shim, SIDECAR_TENANT_URL=tenant["url"], SIDECAR_CA_FILE=tenant["ca_file"], SIDECAR_UPSTREAM_HTTP="1.1",
        SIDECAR_STORE_URL=f"sqlite:{store}/s.db", SIDECAR_UPSTREAM_TIMEOUT="60s", SIDECAR_REFRESH_WAIT="60s", **BESIDE_EMULATOR)
    port = listening(line)
    everybody = threading.Barrier(connections, timeout=120)

    def work(number):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        user = f"user-{number}"
        request(connection, user, "POST", "/api/v2/sdk/login", json.dumps({"user_name": user, "password": "demo-password"}))
        everybody.wait()
        for _ in range(calls // connections):
            request(connection, user, method, path)

    try:
        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            list(pool.map(work, range(connections)))
    finally:
        stop([sidecar])
    return int(re.search(r"Collected : (\d+)", open(f"{store}/log").read())[1]), f"{store}/out"


def main():
    need(*[os.path.join(FOLDER, name) for name in ["ciam-sidecar", "tenant-emulator"]])
    with tempfile.TemporaryDirectory() as folder:
        shim = folder + "/shim.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", shim, "-x", "c", "-"], input=SHIM, text=True, check=True)
        emulator, line = start(os.path.join(FOLDER, "tenant-emulator"), ["--directory", folder + "/tenant"], '"control"')
        try:
            tenant = json.loads(line)
            print("| a call | instructions |\n|---|---|", flush=True)
            for name, connections, method, path in ROWS:
                few, _ = collected(tenant, shim, folder, connections, method, path, FEW)
                many, out = collected(tenant, shim, folder, connections, method, path, MANY)
                print(f"| {name} | {(many - few) / (MANY - FEW):,.0f} |", flush=True)
                if connections == 32 and "sso-ticket" in path and (keep := os.environ.get("CALLGRIND_OUT")):
                    os.replace(out, keep)
        finally:
            stop([emulator])


main()
