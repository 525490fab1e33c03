#!/usr/bin/env bash
# Measures the whole program beside nginx, nginx with Lua, HAProxy, Envoy and Caddy, all in one run, and writes the tables as Markdown.
# Once more with a bearer of 1200 bytes, beside nginx with Lua. PEERS is the folder of the runner (run.py, with install.sh done), ENVOY
# the program that its install.sh prints.
#
#   PEERS=FOLDER ENVOY=PROGRAM Tests/Benchmarks/peers.sh [PROGRAM] [--quick]     default .build/release/ciam-sidecar
#
# --quick is for function only: one short round with one connection.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$PWD/.build/release/ciam-sidecar
options=(--conns "1,32,256" --secs 3 --reps 3)
for argument in "$@"; do
    if [ "$argument" = --quick ]; then
        options=(--conns 1 --secs 1 --reps 1 --tries 1)
    else
        program=$argument
    fi
done
: "${PEERS:?is the folder of the runner, with run.py in it}"
[ -x "$program" ] || { echo "$program is missing: deploy/build.sh --product ciam-sidecar" >&2; exit 66; }

output=$(mktemp)
trap 'rm -f "$output"' EXIT
long=$(printf 'x%.0s' {1..1200})
OURS_CMD=$program python3 "$PEERS/run.py" --only nginx,nginx-lua,haproxy,envoy,caddy,ours "${options[@]}" >"$output"
OURS_BEARER=$long OURS_CMD=$program python3 "$PEERS/run.py" --only nginx-lua,ours \
    --base nginx-lua --workloads proxy "${options[@]}" >>"$output"
# Headings and rows as Markdown; whatever else the runner says stays out.
awk '
    /^## / { print ""; print; print ""; next }
    /^peer / { n = 0; for (i = 1; i <= NF; i++) { printf "| %s ", $i; n++ } print "|"; for (i = 0; i < n; i++) printf "|---"; print "|"; table = 1; next }
    table && NF > 3 { for (i = 1; i <= NF; i++) printf "| %s ", $i; print "|"; next }
    { table = 0 }
    /idle .*loaded/ { print "    " $0 }
' "$output"
