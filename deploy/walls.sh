#!/usr/bin/env bash
# The walls that the compiler does not keep: each finding is printed, any finding fails.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
failed=0
finding() {
    if [ -n "$2" ]; then
        printf '%s:\n%s\n' "$1" "$2" >&2
        failed=1
    fi
}

# C is known in one room each, and unsafe code stands behind these walls only.
finding "libcurl outside CurlTransport" "$(grep -rln 'import CCurl' Sources --include='*.swift' | grep -v '^Sources/CurlTransport/')"
finding "epoll outside CurlTransport" "$(grep -rln 'import CPoll' Sources --include='*.swift' | grep -v '^Sources/CurlTransport/')"
finding "SQLite outside SessionStores" "$(grep -rln 'import CSQLite' Sources --include='*.swift' | grep -v '^Sources/SessionStores/')"
finding "\`unsafe\` in a room of rules" "$(grep -rlnE '\bunsafe( |$)' Sources/{Model,HTTP1,Guard,Tenant,Injection,AccessTokens,Sessions,Pipeline,Admin,Telemetry} --include='*.swift')"
finding "all of Foundation in the product (it brings ICU)" \
    "$(grep -rnE '^\s*((package|internal) )?import Foundation$' Sources --include='*.swift' | grep -v '^Sources/TenantEmulator')"
finding "\`public\`: nothing outside this package imports it" "$(grep -rnE '^\s*public ' Sources --include='*.swift')"
finding "the emulator knows a room of the product" \
    "$(grep -rnE 'import (Model|Tenant|Injection|Sessions|Pipeline|JSONText|Guard)$' Sources/TenantEmulator Sources/TenantEmulatorCommand)"
finding "a Swift file does not open with a line that says what it is" \
    "$(find Sources Tests -name '*.swift' -exec sh -c 'head -n 1 "$1" | grep -q "^// " || echo "$1"' _ {} \;)"

# libcurl's own check of option types works in gcc only.
cc=$(command -v gcc || true)
if [ -z "$cc" ]; then
    finding "gcc is missing" "install gcc"
else
    finding "an option of libcurl has the wrong type" "$(printf '#include "Sources/CCurl/CCurl.h"\n' |
        gcc -O2 -fkeep-inline-functions -Wsystem-headers -Werror=attribute-warning -x c -c -o /dev/null - -I. 2>&1 | grep -i 'error')"
fi
exit "$failed"
