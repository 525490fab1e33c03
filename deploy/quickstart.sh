#!/usr/bin/env bash
# Builds the sidecar, starts it beside a tenant emulator and shows one round of calls before and after injection.
#
#   deploy/quickstart.sh          stays up until Ctrl-C
#   deploy/quickstart.sh --once   ends after the round
#
# SIDECAR_LISTEN and SIDECAR_ADMIN_LISTEN choose other ports than 8180 and 8181.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

once=false
case "${1:-}" in
    "") ;;
    --once) once=true ;;
    *) echo "usage: deploy/quickstart.sh [--once]" >&2 && exit 64 ;;
esac

# The build does this as well, but nobody would see what it asks for.
require_swift
install_packages "${build_packages[@]}"
quietly "building (the first time takes some minutes)" deploy/build.sh
programs=$(deploy/build.sh --show-bin-path)

# shellcheck source=deploy/processes.sh
. deploy/processes.sh
trap 'exit 130' INT TERM

"$programs/tenant-emulator" --directory "$scratch/tenant" >"$scratch/tenant.log" 2>&1 &
running+=($!)
started $! "$scratch/tenant.log" '"control"'
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
tenant=$(member url <"$scratch/tenant.log")
control=$(member control <"$scratch/tenant.log")

# This is all the configuration there is.
export SIDECAR_TENANT_URL=$tenant
export SIDECAR_CA_FILE=$scratch/tenant/ca.pem
export SIDECAR_CLIENT_ID=demo-client
export SIDECAR_CLIENT_SECRET=demo-secret
export SIDECAR_STORE_URL=sqlite:$scratch/state/sessions.db
"$programs/ciam-sidecar" >"$scratch/sidecar.log" 2>&1 &
running+=($!)
started $! "$scratch/sidecar.log" ' info ready'
address=$(sed -n 's/.* info ready.* listen=\([^ ,]*\).*/\1/p' "$scratch/sidecar.log")
sidecar=http://$address

# call TITLE PATH BODY: one request of the app, what the tenant received, and the answer.
call() {
    printf '\n=== %s\n--- the app sends, plain HTTP to %s\n' "$1" "$address"
    printf 'POST %s\nX-Sidecar-User: alice\nContent-Type: application/json\n\n%s\n' "$2" "$3"
    answer=$(curl -sS --fail-with-body -D "$scratch/head" "$sidecar$2" \
        -H 'X-Sidecar-User: alice' -H 'Content-Type: application/json' -d "$3")
    printf -- '--- the tenant receives, over TLS\n'
    curl -sS "$control/requests?limit=1" -H 'Accept: text/plain'
    printf -- '--- the app gets: %s' "$(head -n 1 "$scratch/head")"
    printf '\n%s\n' "$answer"
}

call "login" /api/v2/sdk/login '{"user_name":"alice","password":"demo-password"}'
first=$(member session_token <<<"$answer")
call "refresh, with the token of the login" /api/v2/tenant/sso/session-token/refresh "{\"session_token\":\"$first\"}"
call "refresh again: the sidecar knows the newest token" /api/v2/tenant/sso/session-token/refresh '{}'
call "a ticket for another application" /api/v2/tenant/sso/session-token/sso-ticket '{}'

printf '\n=== all four calls went through: bearer, device values and the newest session token were added on the way\n'
if $once; then exit 0; fi
cat <<END
The sidecar stays up. From another terminal:

  curl $sidecar/api/v2/tenant/sso/session-token/refresh -H 'X-Sidecar-User: alice' -d '{}'
  curl $sidecar/sidecar/v1/users/alice/session-token
  curl http://${SIDECAR_ADMIN_LISTEN:-127.0.0.1:8181}/metrics

Its status page: http://${SIDECAR_ADMIN_LISTEN:-127.0.0.1:8181}/
Ctrl-C ends it.
END
wait
