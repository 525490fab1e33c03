#!/usr/bin/env bash
# Learns what the program does often, and writes deploy/release.profdata, by which `--toolset deploy/release.json` builds it: 32 users'
# tickets, refreshes and look-ups against the emulator, over HTTP/1.1 and HTTP/2, with sessions in SQLite. A function that has changed
# since is built as if nothing were known of it.
#
#   Tests/Benchmarks/profile.sh [SECONDS]      default 10 for each kind of call, fewer for look-ups
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh
require_swift
install_packages "${build_packages[@]}" wrk
seconds=${1:-10}
toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")
runtime=$(echo "$toolchain"/lib/clang/*/lib/linux/libclang_rt.profile-"$(uname -m)".a)

build() {
    # As a release is built. Functions that only their own file sees are told apart by the file's name, without the folder.
    swift build -c release --static-swift-stdlib --experimental-lto-mode full --scratch-path .build-profile --product "$1" \
        -Xswiftc -use-ld=lld -Xswiftc -Xfrontend -Xswiftc -ir-profile-generate \
        -Xswiftc -Xllvm -Xswiftc -static-func-full-module-prefix=false \
        -Xlinker -u__llvm_profile_runtime -Xlinker "$runtime"
}
quietly "building the sidecar so that it counts" build ciam-sidecar
quietly "building the emulator" build tenant-emulator
programs=.build-profile/release

# shellcheck source=deploy/processes.sh
. deploy/processes.sh

LLVM_PROFILE_FILE=/dev/null "$programs/tenant-emulator" --directory "$scratch/tenant" >"$scratch/tenant.log" &
running+=($!)
started $! "$scratch/tenant.log" control
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$scratch/tenant.log"; }
curl -sS -o /dev/null -X PUT "$(member control)/settings" -d '{"request_log":false}'

cat >"$scratch/calls.lua" <<'END'
local kind, n = os.getenv("KIND"), 0
function request()
    n = n % 32 + 1
    local user = "user-" .. n
    if kind == "token" then return wrk.format("GET", "/sidecar/v1/users/" .. user .. "/session-token") end
    return wrk.format("POST", "/api/v2/tenant/sso/session-token/" .. kind,
        { ["X-Sidecar-User"] = user, ["Content-Type"] = "application/json", ["Accept"] = "application/json",
          ["User-Agent"] = "legacy-app/1.0" },
        '{"application":"orders","amount":1000,"currency":"EUR","items":[1,2,3],"nested":{"a":true,"b":null}}')
end
END

# train VERSION: the same calls over one version of HTTP.
train() {
    LLVM_PROFILE_FILE=$scratch/$1.profraw SIDECAR_UPSTREAM_HTTP=$1 SIDECAR_TENANT_URL=$(member url) \
        SIDECAR_CA_FILE=$scratch/tenant/ca.pem SIDECAR_CLIENT_ID=demo-client SIDECAR_CLIENT_SECRET=demo-secret \
        SIDECAR_STORE_URL=sqlite:$scratch/$1.db SIDECAR_LISTEN=127.0.0.1:0 SIDECAR_ADMIN_LISTEN=127.0.0.1:0 \
        "$programs/ciam-sidecar" 2>"$scratch/$1.log" &
    local sidecar=$! url user kind
    running+=("$sidecar")
    started "$sidecar" "$scratch/$1.log" ' info ready '
    url=http://127.0.0.1:$(sed -n 's/.*listen=127.0.0.1:\([0-9]*\).*/\1/p' "$scratch/$1.log")
    for user in {1..32}; do
        curl -sS -f -o /dev/null "$url/api/v2/sdk/login" -H "X-Sidecar-User: user-$user" \
            -H 'Content-Type: application/json' -d "{\"user_name\":\"user-$user\",\"password\":\"demo-password\"}"
    done
    # Look-ups are many a second; what counts most is the way to the tenant.
    for kind in sso-ticket:$seconds refresh:$seconds token:$(((seconds + 4) / 5)); do
        KIND=${kind%:*} wrk -t1 -c32 -d"${kind#*:}" -s "$scratch/calls.lua" "$url" >"$scratch/wrk"
        # A program that refuses calls would learn to refuse them.
        if grep -q 'Non-2xx\|Socket errors' "$scratch/wrk"; then
            cat "$scratch/wrk" >&2
            return 1
        fi
        awk -v kind="${kind%:*} over HTTP/$1" '/requests in/ { print kind ": " $1 " calls" }' "$scratch/wrk"
    done
    kill "$sidecar"
    wait "$sidecar"
}
train 1.1
train 2
"$toolchain/bin/llvm-profdata" merge -sparse -o deploy/release.profdata "$scratch"/*.profraw
"$toolchain/bin/llvm-profdata" show deploy/release.profdata
