#!/usr/bin/env bash
# Runs the tests of values, of the listener and of the transport under ThreadSanitizer and AddressSanitizer, and looks for memory that
# was allocated by libcurl and never given back. Any finding fails. About half an hour on two cores.
#
#   Tests/Soaks/sanitize.sh [thread|address|leaks]...     default: all three
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- thread address leaks
# What runs the real programs as processes of their own tells a sanitizer nothing; the explorer takes hours under one.
skip=(--skip EndToEndTests --skip RotationExplorerTests)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# One after the other: under a sanitizer everything takes its time, and time limits are part of what is tested.
run() {
    swift test --scratch-path ".build-$1" --sanitize="$1" --disable-xctest --no-parallel "${@:2}" >"$folder/log" 2>&1 ||
        failed=$?
    grep -E '^(✘|.* Test run)|SUMMARY: ' "$folder/log" || true
}

for kind in "$@"; do
    echo "== $kind"
    failed=0
    case $kind in
    thread)
        # swift-subprocess, which the tests start programs with, locks with Synchronization.Mutex, and ThreadSanitizer does not see
        # that kind of lock.
        echo 'race:Subprocess' >"$folder/suppressions"
        TSAN_OPTIONS="suppressions=$folder/suppressions" run thread "${skip[@]}"
        ;;
    address)
        ASAN_OPTIONS=detect_leaks=0 run address "${skip[@]}"
        ;;
    leaks)
        # Everything that crosses CCurl, real TLS included; what is not given back by the end is a finding.
        ASAN_OPTIONS=detect_leaks=1 run address --filter CurlTransportTests
        ;;
    *)
        echo "unknown kind $kind" >&2
        exit 64
        ;;
    esac
    [ "$failed" = 0 ] || {
        tail -200 "$folder/log" >&2
        exit 1
    }
done
