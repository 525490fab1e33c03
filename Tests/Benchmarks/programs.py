"""What the benchmarks share: programs that are started, called by wrk, and asked for their CPU time."""
import os, re, shutil, subprocess

# Of a sidecar beside the emulator, but for the tenant's address, its authority and the store.
BESIDE_EMULATOR = dict(
    SIDECAR_CLIENT_ID="demo-client", SIDECAR_CLIENT_SECRET="demo-secret", SIDECAR_LISTEN="127.0.0.1:0",
    SIDECAR_ADMIN_LISTEN="127.0.0.1:0")

# For the end of a wrk script.
RESULT = """
function done(summary, latency, requests)
    local e = summary.errors
    print("requests " .. summary.requests .. " wrong " .. e.status + e.connect + e.read + e.write + e.timeout)
end
"""


def need(*programs):
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing: sudo apt-get install wrk")
    for program in programs:
        if not os.access(program, os.X_OK):
            raise SystemExit(f"{program} is missing: deploy/build.sh")


def on(core, command):
    """The command on one core, or wherever the system likes."""
    return command if core is None else ["taskset", "-c", str(core), *command]


def start(program, arguments, word, core=None, **environment):
    """Returns the process and its first line with the word."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIDECAR_")}
    process = subprocess.Popen(
        on(core, [program, *arguments]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=dict(inherited, **environment))
    said = ""
    for line in process.stdout:
        if word in line:
            return process, line
        said += line
    raise SystemExit(f"{program} did not start:\n{said}")


def listening(line):
    """Where a sidecar listens, by the line in which it says that it is ready."""
    return int(re.search(r"listen=127\.0\.0\.1:(\d+)", line)[1])


def stop(processes):
    for process in processes:
        process.terminate()
        process.wait()


def calls(url, script, connections, seconds, core=None, **environment):
    """Returns how many requests of the script were answered."""
    out = subprocess.run(
        on(core, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, url]), capture_output=True, text=True,
        check=True, env=dict(os.environ, **environment)).stdout
    count, wrong = map(int, re.search(r"requests (\d+) wrong (\d+)", out).groups())
    if wrong or not count:
        raise SystemExit(f"{wrong} of {count} calls failed:\n{out}")
    return count


def cpu(process):
    """Of all its threads, in microseconds."""
    folder = f"/proc/{process.pid}/task"
    return sum(int(open(f"{folder}/{thread}/schedstat").read().split()[0]) for thread in os.listdir(folder)) / 1000
