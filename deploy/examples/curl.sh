#!/bin/sh
# Calls the tenant through the sidecar. Run: sh curl.sh [base URL]
set -u
base=${1:-${SIDECAR_URL:-http://127.0.0.1:8180}}
current=/sidecar/v1/users/alice/session-token
tenant=/api/v2/tenant/sso/session-token

# send PATH [BODY]: sets text, status and error. The body goes by standard input, so that no list of processes shows it.
send() {
    text=$(printf %s "${2-}" | curl -sS --noproxy '*' --max-time 60 "$base$1" -H 'X-Sidecar-User: alice' \
        -H 'Accept: text/plain, application/json' ${2+-H 'Content-Type: application/json' -d @-} \
        -w ' %{http_code} %header{x-sidecar-error}')
    error=${text##* } text=${text% *}
    status=${text##* } text=${text% *}
}

# call PATH [BODY]: the same; ends here if the answer is not a 200.
call() {
    send "$@"
    [ "$status" = 200 ] && return
    echo "$1: $status $text" >&2
    exit 1
}

# member NAME: a member of a flat JSON object, as far as sed can read one.
member() { printf '%s\n' "$text" | sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p"; }

send "$current"
# Unknown, dead or lost: there is no session.
case $error in SESSION_*) call /api/v2/sdk/login '{"user_name":"alice","password":"demo-password"}' ;; esac
call "$tenant/refresh" '{}' && echo "refreshed expire=$(member expire)"
call "$current" && echo "token $(printf %.4s "$text")..."
call "$tenant/sso-ticket" '{}' && echo "ticket $(member sso_ticket | cut -c 1-4)..."
