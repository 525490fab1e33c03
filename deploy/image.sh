#!/usr/bin/env bash
# Builds the images without a registry, starts them read-only and without rights, and prints what the sidecar's adds to its base.
#
#   deploy/image.sh                                          compiles the sidecar in the build stage, with the Swift of this machine
#   PREBUILT=.build/release/ciam-sidecar deploy/image.sh     packs that program, and the tenant-emulator beside it
#
# BUILD_VOLUMES: more mounts of the build stage, `FROM:TO:ro` with spaces between, such as a mirror of packages and git's configuration.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

if [ "$(id -u)" -ne 0 ]; then echo "deploy/image.sh makes root file systems; run it as root" >&2 && exit 1; fi
install_packages binutils bubblewrap buildah curl mmdebstrap

scratch=$(mktemp -d)
# The programs run as somebody else.
chmod 0711 "$scratch"
running=()
finish() {
    for pid in "${running[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

images() { buildah --root "$scratch/images" --runroot "$scratch/run" --storage-driver vfs "$@"; }

# What `quietly` calls is chained with &&: `set -e` does not hold there.

# base NAME OPTION...: an image of Debian 12, without documentation like Debian's own.
base() {
    mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' "${@:2}" bookworm "$scratch/$1.tar" &&
        container=$(images from scratch) &&
        images add --quiet "$container" "$scratch/$1.tar" / &&
        images config --env "PATH=$path" "$container" &&
        images commit --quiet --rm "$container" "localhost/$1" &&
        rm "$scratch/$1.tar"
}

# build TARGET OPTION...: in Docker's format, as OCI's has no HEALTHCHECK.
build() {
    images bud --isolation chroot --format docker --build-arg RUN_BASE=localhost/run-base --target "$1" --tag "localhost/$1" \
        --file deploy/Dockerfile "${@:2}" .
}

# unpack IMAGE: its files, where everybody may read them.
unpack() { cp -a "$(images mount "$(images from "localhost/$1")")" "$scratch/$1"; }

# What an orchestrator is told: a user by number, programs without a shell.
is_told() {
    local config
    config=$(images inspect --type image --format \
        '{{.Docker.Config.User}} {{.Docker.Config.Entrypoint}} {{.Docker.Config.Healthcheck.Test}}' localhost/ciam-sidecar) &&
        echo "$config" &&
        [ "$config" = '65532:65532 [/usr/bin/ciam-sidecar] [CMD /usr/bin/ciam-sidecar health]' ]
}

# in_image IMAGE OPTIONS... PROGRAM...: as uid 65532, read-only, as process 1 of its own namespaces; only the network is shared.
in_image() {
    setpriv --reuid 65532 --regid 65532 --clear-groups bwrap --unshare-all --share-net --as-pid-1 --die-with-parent --clearenv \
        --ro-bind "$scratch/$1" / --proc /proc --dev /dev "${@:2}"
}

# waits_for PATTERN FILE: ten seconds at most; shows the file if it never says so.
waits_for() {
    for _ in {1..100}; do
        if grep -qs -- "$1" "$2"; then return 0; fi
        sleep 0.1
    done
    cat "$2"
    return 1
}

# ends_cleanly PID INFO: SIGTERM to the program itself, whose sandbox ends with its exit code.
ends_cleanly() {
    kill -TERM "$(sed -n 's/.*"child-pid": \([0-9]*\).*/\1/p' "$2")" && wait "$1"
}

sidecar_runs() {
    local admin pid log=$scratch/sidecar.log
    install -d -m 0700 -o 65532 -g 65532 "$scratch/store"
    in_image ciam-sidecar --bind "$scratch/store" /var/lib/ciam-sidecar --info-fd 3 \
        --setenv SIDECAR_STORE_URL sqlite:/var/lib/ciam-sidecar/sessions.db --setenv SIDECAR_TENANT_URL https://localhost:1 \
        --setenv SIDECAR_ACCESS_TOKEN trial --setenv SIDECAR_LISTEN 127.0.0.1:0 --setenv SIDECAR_ADMIN_LISTEN 127.0.0.1:0 \
        /usr/bin/ciam-sidecar 3>"$scratch/sidecar.json" >"$log" 2>&1 &
    pid=$!
    running+=("$pid")
    waits_for ' info ready' "$log" &&
        admin=127.0.0.1:$(sed -n 's/.* info ready.* admin=\([0-9]*\).*/\1/p' "$log") &&
        curl -sS --fail --max-time 5 "http://$admin/livez" &&
        in_image ciam-sidecar --setenv SIDECAR_ADMIN_LISTEN "$admin" /usr/bin/ciam-sidecar health &&
        ends_cleanly "$pid" "$scratch/sidecar.json"
}

emulator_runs() {
    local pid
    install -d -o 65532 -g 65532 "$scratch/tenant"
    in_image tenant-emulator --bind "$scratch/tenant" /var/lib/tenant-emulator --info-fd 3 \
        /usr/bin/tenant-emulator --directory /var/lib/tenant-emulator 3>"$scratch/emulator.json" &
    pid=$!
    running+=("$pid")
    waits_for '"url"' "$scratch/tenant/ready.json" && ends_cleanly "$pid" "$scratch/emulator.json"
}

# files DIRECTORY: every file with its size.
files() { (cd "$1" && find . -type f -printf '%p\t%s\n' | LC_ALL=C sort); }

path=/usr/sbin:/usr/bin:/sbin:/bin
quietly "run base" base run-base
targets=(ciam-sidecar)
options=()
if [ -n "${PREBUILT:-}" ]; then
    targets+=(tenant-emulator)
    mkdir "$scratch/programs"
    for program in "${targets[@]}"; do strip -o "$scratch/programs/$program" "$(dirname "$PREBUILT")/$program"; done
    options=(--build-context "sidecar=$scratch/programs" --build-context "emulator=$scratch/programs")
else
    require_swift
    toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
    options=(--build-arg BUILD_BASE=localhost/build-base --volume "$toolchain:$toolchain:ro")
    for volume in ${BUILD_VOLUMES:-}; do options+=(--volume "$volume"); done
    path=$toolchain/bin:$path
    # The last four are what the toolchain itself needs.
    quietly "build base" base build-base --include="${build_packages[*]}"
fi
for target in "${targets[@]}"; do
    quietly "image $target" build "$target" "${options[@]}"
    quietly "files of $target" unpack "$target"
done
quietly "the sidecar's image: user, entry point, health check" is_told
quietly "the sidecar's image: /livez, health, SIGTERM" sidecar_runs
if [ -n "${PREBUILT:-}" ]; then quietly "the emulator's image: start, SIGTERM" emulator_runs; fi

quietly "files of the run base" unpack run-base
LC_ALL=C comm -13 <(files "$scratch/run-base") <(files "$scratch/ciam-sidecar") >"$scratch/added"
awk -F '\t' '
    { part = "the rest" }
    $1 ~ "^./usr/lib/" { part = "libraries" }
    $1 ~ "^./etc/ssl/" { part = "certificate authorities" }
    $1 == "./usr/bin/ciam-sidecar" { part = "ciam-sidecar" }
    { bytes[part] += $2; total += $2 }
    END {
        printf "added to the run base: %d bytes\n", total
        for (part in bytes) printf "  %-24s %d\n", part, bytes[part]
        if (total > 40 * 1048576 || bytes["ciam-sidecar"] > 32 * 1048576) { print "more than 40 MiB, or a program above 32 MiB"; exit 1 }
    }' "$scratch/added"
