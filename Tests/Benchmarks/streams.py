#!/usr/bin/env python3
"""What it costs to stream 100 MB down and up, in CPU time for a GB, beside nginx doing the same: TLS to the tenant's side, plain HTTP to the
caller, in turn. The proxy has one core, tenant (nginx as well) and caller (curl) the other. Needs nginx, curl and openssl (Debian's packages)
and two cores.

  Tests/Benchmarks/streams.py [PROGRAM]     default .build/release/ciam-sidecar
"""
import os, re, shutil, socket, statistics, subprocess, sys, tempfile

from programs import cpu, listening, on, start, stop

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(__file__), "..", "..", ".build", "release", "ciam-sidecar")
SIZE = 100_000_000
CALLS, ROUNDS = 3, 8

# An authority for a day, and the certificate of localhost.
CERTIFICATES = """
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 1 -subj /CN=benchmark
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=localhost
printf 'subjectAltName=DNS:localhost\\nbasicConstraints=CA:FALSE\\n' > extensions
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile extensions -out server.pem
"""

COMMON = """
daemon off; master_process off; error_log stderr crit; pid {folder}/{name}.pid;
events {{ }}
http {{
    access_log off; client_max_body_size 0; keepalive_requests 1000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
    scgi_temp_path {folder}/s;
    {inside}
}}
"""
TENANT = """
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate server.pem; ssl_certificate_key server.key; ssl_protocols TLSv1.3;
        location /files/ {{ root {folder}; dav_methods PUT; }}
    }}
"""
PROXY = """
    upstream tenant {{ server 127.0.0.1:{tenant}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass https://tenant; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;
            proxy_ssl_name localhost; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_protocols TLSv1.3;
            proxy_max_temp_file_size 0; proxy_request_buffering off;
        }}
    }}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def nginx(folder, name, core, inside, **values):
    port = free_port()
    config = f"{folder}/{name}.conf"
    with open(config, "w") as file:
        file.write(COMMON.format(folder=folder, name=name, inside=inside.format(folder=folder, port=port, **values)))
    process = subprocess.Popen(on(core, ["nginx", "-p", folder, "-c", config]))
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process, port
        except ConnectionRefusedError:
            if process.poll() is not None:
                raise SystemExit(f"nginx as {name} did not start")


def cost(process, port, folder, way):
    """CPU seconds for a GB."""
    before = cpu(process)
    upload = ["-T", f"{folder}/files/down", "-H", "Expect:"] if way == "up" else []
    for _ in range(CALLS):
        said = subprocess.run(
            on(1, ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_upload} %{size_download}", *upload,
                   f"http://127.0.0.1:{port}/files/{way}"]), capture_output=True, text=True, check=True).stdout
        # 201 at first, then 204: the tenant keeps what is sent up, so that it reads all of it before it answers.
        if not re.fullmatch(f"20[14] {SIZE} \\d+" if way == "up" else f"200 0 {SIZE}", said):
            raise SystemExit(f"{way} through {port}: {said}")
    return (cpu(process) - before) / 1e6 / (CALLS * SIZE / 1e9)


def main():
    for program in ["nginx", "curl", "openssl"]:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            raise SystemExit(f"{program} is missing: sudo apt-get install {program}")
    os.environ["PATH"] += ":/usr/sbin"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["bash", "-ec", CERTIFICATES], cwd=folder, check=True, capture_output=True)
        os.mkdir(folder + "/files")
        with open(folder + "/files/down", "wb") as file:
            file.write(os.urandom(1_000_000) * (SIZE // 1_000_000))
        processes = []
        try:
            tenant, tenant_port = nginx(folder, "tenant", 1, TENANT)
            processes.append(tenant)
            proxy, proxy_port = nginx(folder, "proxy", 0, PROXY, tenant=tenant_port)
            processes.append(proxy)
            sidecar, line = start(
                PROGRAM, [], " ready ", core=0, SIDECAR_TENANT_URL=f"https://localhost:{tenant_port}",
                SIDECAR_CA_FILE=folder + "/ca.pem", SIDECAR_ACCESS_TOKEN="none", SIDECAR_STORE_URL="memory:",
                SIDECAR_LISTEN="127.0.0.1:0", SIDECAR_ADMIN_LISTEN="127.0.0.1:0", SIDECAR_UPSTREAM_HTTP="1.1",
                SIDECAR_PASSTHROUGH_PATHS="/files/")
            processes.append(sidecar)
            places = {"nginx": (proxy, proxy_port), "ciam-sidecar": (sidecar, listening(line))}
            print("| 100 MB | nginx, CPU s a GB | ciam-sidecar | ratio, rounds in turn |\n|---|---|---|---|")
            for way in ["down", "up"]:
                for place in places.values():
                    cost(*place, folder, way)
                rounds = [[cost(*place, folder, way) for place in places.values()] for _ in range(ROUNDS)]
                theirs, ours = (statistics.median(column) for column in zip(*rounds))
                ratios = sorted(our / their for their, our in rounds)
                print("| %s | %.2f | %.2f | %.2f (%.2f to %.2f) |" % (
                    way, theirs, ours, statistics.median(ratios), ratios[0], ratios[-1]), flush=True)
        finally:
            stop(processes[::-1])


main()
