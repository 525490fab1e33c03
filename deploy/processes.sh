# shellcheck shell=bash
# Sourced by scripts that start programs: `$scratch` is a folder, and what is put into `running` a process, that end with the script.
scratch=$(mktemp -d)
running=()
finish() {
    for pid in "${running[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT

# started PID LOG PATTERN: returns when the program has said so; shows its log if it ends before.
started() {
    if ! grep -q -m 1 -- "$3" < <(timeout 30 tail --pid="$1" -n +1 -F "$2" 2>/dev/null); then
        cat "$2" >&2
        exit 1
    fi
}
