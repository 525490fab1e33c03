#!/usr/bin/env bash
# Prints the generated parts of the documentation anew, in place: whatever stands between `<!-- X: printed by the program -->` and
# `<!-- end of X -->` is what `ciam-sidecar X --markdown` prints, `ciam-sidecar help …` for help, in a block.
#
#   deploy/reference.sh [BUILD_FOLDER]     default .build/debug
set -euo pipefail
cd "$(dirname "$0")/.."
programs=${1:-.build/debug}

# The width of a terminal is no part of the documentation.
export COLUMNS=80

# printed X: what belongs between the marks.
printed() {
    local words
    read -ra words <<<"$1"
    case "$1" in
        help*) printf '```text\n' && "$programs/ciam-sidecar" "${words[@]}" && printf '```\n' ;;
        "tenant-emulator help") printf '```text\n' && "$programs/tenant-emulator" --help && printf '```\n' ;;
        *) "$programs/ciam-sidecar" "${words[@]}" --markdown ;;
    esac
}

for page in README.md Sources/Sidecar/Documentation.docc/*.md; do
    inside=
    fresh=$(mktemp)
    while IFS= read -r line; do
        if [[ $line =~ ^'<!-- '(.*)': printed by the program -->'$ ]]; then
            inside=${BASH_REMATCH[1]}
            printf '%s\n\n' "$line" >>"$fresh"
            # Blank lines at the end are the command's taste.
            text=$(printed "$inside")
            printf '%s\n\n' "$text" >>"$fresh"
        elif [ -n "$inside" ] && [ "$line" = "<!-- end of $inside -->" ]; then
            inside=
            printf '%s\n' "$line" >>"$fresh"
        elif [ -z "$inside" ]; then
            printf '%s\n' "$line" >>"$fresh"
        fi
    done <"$page"
    if [ -n "$inside" ]; then
        echo "$page: no end of $inside" >&2
        exit 1
    fi
    if cmp -s "$fresh" "$page"; then rm "$fresh"; else cat "$fresh" >"$page" && rm "$fresh" && echo "$page"; fi
done
