# shellcheck shell=bash
# Sourced by the scripts beside it: finds out which Debian packages are missing and installs them.

# What building the sidecar and running it needs, and the toolchain of swift.org itself.
# shellcheck disable=SC2034
build_packages=(
    binutils ca-certificates curl git libc6-dev libcurl4-openssl-dev libedit2 libhiredis-dev libmimalloc-dev libncurses6 libsqlite3-dev libstdc++-12-dev libxml2
    pkg-config
)

# install_packages NAME...: quiet when all of them are there.
install_packages() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
    done
    if [ ${#missing[@]} -eq 0 ]; then return 0; fi
    local become=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "These Debian packages are missing; as root: apt-get install ${missing[*]}" >&2
            return 1
        fi
        become=(sudo)
    fi
    echo "installing ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${become[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update &&
        "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
            install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        cat "$log" >&2
        echo "The packages could not be installed (see above); install them by hand: ${missing[*]}" >&2
        return 1
    fi
    rm -f "$log"
}

# require_swift: Swift is not a Debian package; says where it has to be.
require_swift() {
    local version
    if ! command -v swift >/dev/null; then
        echo "Swift 6.3 is not in PATH; install it from swift.org (Debian 12 package or tarball) and try again" >&2
        return 1
    fi
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    if [ "$(printf '%s\n' 6.2 "$version" | sort -V | head -n 1)" != 6.2 ]; then
        echo "Swift 6.3 is needed, 'swift' in PATH is ${version:-unknown}" >&2
        return 1
    fi
}

# quietly LABEL COMMAND...: prints the label and how long it took; the command's output only if it fails.
quietly() {
    local label=$1 log started=$SECONDS
    shift
    log=$(mktemp)
    printf '%s ... ' "$label"
    if "$@" >"$log" 2>&1; then
        echo "done ($((SECONDS - started)) s)"
        rm -f "$log"
    else
        local code=$?
        echo "failed"
        cat "$log" >&2
        rm -f "$log"
        return "$code"
    fi
}
