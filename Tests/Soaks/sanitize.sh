#!/usr/bin/env bash
# Runs the tests of values and of the transport under AddressSanitizer and ThreadSanitizer, and the program itself under valgrind,
# through libcurl and back. Any finding fails.
#
#   Tests/Soaks/sanitize.sh [address|thread|leaks]...     default: all three
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- address thread leaks
# What runs the real programs as processes of their own tells a sanitizer nothing; the explorer takes hours under one.
skip=(--skip EndToEndTests --skip RotationExplorerTests)

for kind in "$@"; do
    echo "== $kind"
    case $kind in
    address)
        # The test runner itself leaves things behind at exit; leaks are valgrind's business below.
        ASAN_OPTIONS=detect_leaks=0 swift test --scratch-path .build-address --sanitize=address --disable-xctest "${skip[@]}"
        ;;
    thread)
        TSAN_OPTIONS=halt_on_error=0 swift test --scratch-path .build-thread --sanitize=thread --disable-xctest "${skip[@]}"
        ;;
    leaks)
        swift build --product ciam-sidecar
        swift build --product tenant-emulator
        folder=$(mktemp -d)
        .build/debug/tenant-emulator --directory "$folder" >"$folder/ready" &
        emulator=$!
        trap 'kill $emulator 2>/dev/null; rm -rf "$folder"' EXIT
        until [ -s "$folder/ready.json" ]; do sleep 0.1; done
        url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$folder/ready.json")
        SIDECAR_TENANT_URL=$url SIDECAR_CA_FILE=$folder/ca.pem SIDECAR_CLIENT_ID=demo-client SIDECAR_CLIENT_SECRET=demo-secret \
            SIDECAR_STORE_URL=memory: SIDECAR_LISTEN=127.0.0.1:0 SIDECAR_ADMIN_LISTEN=127.0.0.1:0 \
            valgrind --leak-check=full --show-leak-kinds=definite --num-callers=40 --log-file="$folder/valgrind" \
            .build/debug/ciam-sidecar 2>"$folder/log" &
        sidecar=$!
        until grep -q ' info ready ' "$folder/log"; do sleep 0.2; done
        port=$(sed -n 's/.*listen=127.0.0.1:\([0-9]*\).*/\1/p' "$folder/log")
        call() { curl --silent --output /dev/null -H 'X-Sidecar-User: alice' -H 'Content-Type: application/json' "$@"; }
        call "http://127.0.0.1:$port/api/v2/sdk/login" -d '{"user_name":"alice","password":"demo-password"}'
        for _ in $(seq 200); do
            call "http://127.0.0.1:$port/api/v2/tenant/sso/session-token/refresh" -d '{}'
            call "http://127.0.0.1:$port/api/v2/tenant/echo" -d "$(printf '%05000d' 0)"
        done
        kill "$sidecar"
        wait "$sidecar"
        grep -E 'definitely lost|ERROR SUMMARY' "$folder/valgrind" || true
        if grep -A40 'definitely lost in' "$folder/valgrind" | grep -qE 'curl_|libcurl|CurlTransport'; then
            cat "$folder/valgrind" >&2
            exit 1
        fi
        ;;
    *)
        echo "unknown kind $kind" >&2
        exit 64
        ;;
    esac
done
