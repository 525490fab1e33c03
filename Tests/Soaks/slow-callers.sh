#!/usr/bin/env bash
# Eight honest callers, about 1,000 requests a second in all: alone, beside idle connections, and beside callers that send headers
# slowly, send bodies slowly and read slowly (slowhttptest). Prints p50 and p99 of the honest ones and the sidecar's resident memory.
#
#   Tests/Soaks/slow-callers.sh [IDLE [SLOW]]      defaults: 10000 idle connections, 500 of each slow kind
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh
install_packages curl python3 slowhttptest wrk
idle=${1:-10000} slow=${2:-500}
ulimit -n "$(ulimit -Hn)"
programs=${PROGRAMS:-.build/release}

# shellcheck source=deploy/processes.sh
. deploy/processes.sh

"$programs/tenant-emulator" --directory "$scratch/tenant" >"$scratch/tenant.log" &
running+=($!)
started $! "$scratch/tenant.log" control
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$scratch/tenant.log"; }
curl -sS -o /dev/null -X PUT "$(member control)/settings" -d '{"request_log":false}'
SIDECAR_TENANT_URL=$(member url) SIDECAR_CA_FILE=$scratch/tenant/ca.pem SIDECAR_CLIENT_ID=demo-client \
    SIDECAR_CLIENT_SECRET=demo-secret SIDECAR_STORE_URL=sqlite:$scratch/sessions.db SIDECAR_IDLE_TIMEOUT=1h \
    SIDECAR_LISTEN=127.0.0.1:0 SIDECAR_ADMIN_LISTEN=127.0.0.1:0 "$programs/ciam-sidecar" 2>"$scratch/log" &
sidecar=$!
running+=("$sidecar")
started "$sidecar" "$scratch/log" ' info ready '
port=$(sed -n 's/.*listen=127.0.0.1:\([0-9]*\).*/\1/p' "$scratch/log")
url=http://127.0.0.1:$port
ticket=/api/v2/tenant/sso/session-token/sso-ticket
curl -sS -o /dev/null "$url/api/v2/sdk/login" -H 'X-Sidecar-User: alice' -H 'Content-Type: application/json' \
    -d '{"user_name":"alice","password":"demo-password"}'
cat >"$scratch/honest.lua" <<'END'
wrk.method, wrk.body = "POST", "{}"
wrk.headers["X-Sidecar-User"], wrk.headers["Content-Type"] = "alice", "application/json"
function delay() return 6 end
END

# honest LABEL: ten seconds of the honest callers.
honest() {
    wrk -t1 -c8 -d10 --latency -s "$scratch/honest.lua" "$url$ticket" >"$scratch/wrk"
    printf '%-60s p50 %s  p99 %s  %s requests/s, %s failed, %s MiB\n' "$1" "$(awk '/50%/ {print $2}' "$scratch/wrk")" \
        "$(awk '/99%/ {print $2}' "$scratch/wrk")" "$(awk '/Requests\/sec/ {printf "%d", $2}' "$scratch/wrk")" \
        "$(awk '/Non-2xx/ {n = $NF} END {print n + 0}' "$scratch/wrk")" \
        "$(awk '/VmRSS/ {printf "%d", $2 / 1024}' "/proc/$sidecar/status")"
}

honest "alone"
# Holds the connections until it is ended.
python3 -c '
import signal, socket, sys
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
print("held", flush=True)
signal.pause()
' "$port" "$idle" >"$scratch/held" &
running+=($!)
until grep -q held "$scratch/held"; do sleep 0.1; done
honest "beside $idle idle connections"
slowly() { slowhttptest -c "$slow" -r 200 -l 60 -i 5 -p 3 "$@" >/dev/null 2>&1 & running+=($!); }
slowly -H -u "$url$ticket"
slowly -B -u "$url$ticket" -s 100000
slowly -X -u "$url/sidecar/v1/openapi.json" -w 512 -y 1024 -n 5 -z 32 -k 3
sleep 5
honest "and beside 3 x $slow slow headers, bodies and readers"
