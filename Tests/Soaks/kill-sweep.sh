#!/usr/bin/env bash
# Kills the sidecar with SIGKILL at its n-th write to disk, for n = 1, 2, ... until a whole life goes through untouched: from an
# empty folder through start, login and two refreshes. After each death it starts again and what was given out has to be there.
#
#   Tests/Soaks/kill-sweep.sh [BUILD_FOLDER]     default .build/debug; needs strace and curl
set -euo pipefail
cd "$(dirname "$0")/../.."
programs=${1:-.build/debug}
# shellcheck source=deploy/processes.sh
. deploy/processes.sh

# said LOG PATTERN PID: waits until the process has said so or is gone.
# The shell's own notice of a killed process is of no interest.
said() { grep -q -m 1 -- "$2" < <(timeout 30 tail --pid="$3" -n +1 -F "$1" 2>/dev/null); } 2>/dev/null
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

"$programs/tenant-emulator" --directory "$scratch/tenant" >"$scratch/tenant.log" 2>&1 &
running+=($!)
said "$scratch/tenant.log" '"control"' $!
tenant=$(member url <"$scratch/tenant.log")
control=$(member control <"$scratch/tenant.log")
export SIDECAR_TENANT_URL=$tenant SIDECAR_CA_FILE=$scratch/tenant/ca.pem SIDECAR_CLIENT_ID=demo-client
export SIDECAR_CLIENT_SECRET=demo-secret SIDECAR_LISTEN=127.0.0.1:0 SIDECAR_ADMIN_LISTEN=127.0.0.1:0
export SIDECAR_LOST_ANSWER_SETTLE=50ms

address() { sed -n 's/.* info ready.* listen=\([^ ,]*\).*/\1/p' "$1"; }
call() { curl -s --max-time 20 "http://$at$1" -H "X-Sidecar-User: $user" -H 'Content-Type: application/json' -d "$2" || true; }

calls=write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat2,unlink
died=0 lost=0 wrong=0
for ((n = 1; n < 2000; n++)); do
    user=user$n
    state=$scratch/state$n
    mkdir "$state"
    export SIDECAR_STORE_URL=sqlite:$state/sessions.db
    given=
    # A first life under the knife.
    strace -f -qq -o /dev/null -e "trace=$calls" -e "inject=$calls:signal=KILL:when=$n" -P "$state/sessions.db" \
        -P "$state/sessions.db-wal" -P "$state/sessions.db-shm" -P "$state/sessions.db.key" -P "$state/sessions.db.key.new" \
        -P "$state/sessions.db.lock" -P "$state/sessions.db-journal" \
        "$programs/ciam-sidecar" >"$state/log" 2>&1 &
    knife=$!
    if said "$state/log" ' info ready' "$knife"; then
        at=$(address "$state/log")
        token=$(call /api/v2/sdk/login "{\"user_name\":\"$user\",\"password\":\"demo-password\"}" | member session_token)
        given=${token:-$given}
        for _ in 1 2; do
            token=$(call /api/v2/tenant/sso/session-token/refresh '{}' | member session_token)
            given=${token:-$given}
        done
    fi
    survived=false
    if kill -0 "$knife" 2>/dev/null && kill "$(cat "$state/sessions.db.lock")" 2>/dev/null; then survived=true; fi
    { wait "$knife" || true; } 2>/dev/null
    # The second life: it starts, and knows what was given out.
    "$programs/ciam-sidecar" >"$state/log2" 2>&1 &
    second=$!
    running+=("$second")
    if ! said "$state/log2" ' info ready' "$second"; then
        echo "n=$n: does not start again: $(tail -n 1 "$state/log2")"
        wrong=$((wrong + 1))
        continue
    fi
    at=$(address "$state/log2")
    if [ -n "$given" ]; then
        newest=$(curl -s --max-time 20 -H 'Accept: text/plain' "http://$at/sidecar/v1/users/$user/session-token?min_validity=0" || true)
        current=$(curl -s "$control/sessions/$user" | member session_token)
        answer=$(call /api/v2/tenant/sso/session-token/refresh "{\"session_token\":\"$given\"}")
        case "$answer" in
            *'"session_token"'*)
                if [ "$newest" != "$given" ] && [ "$newest" != "$current" ]; then
                    # A probe by the read itself has made a newer one: it has to be the tenant's own newest.
                    echo "n=$n: $given was given out, $newest is known" && wrong=$((wrong + 1))
                fi
                ;;
            *SESSION_LOST*) lost=$((lost + 1)) ;;
            *) echo "n=$n: $answer" && wrong=$((wrong + 1)) ;;
        esac
    fi
    kill "$second"
    wait "$second" 2>/dev/null || true
    rm -rf "$state"
    if $survived; then break; fi
    died=$((died + 1))
done
echo "killed at each of $died writes: $wrong wrong, $lost sessions lost with the tenant's answer in the air"
[ "$wrong" -eq 0 ]
