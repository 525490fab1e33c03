#!/usr/bin/env bash
# Runs every check and every test: format, walls, build, tests. Ends with the test runner's own summary.
#
#   deploy/test.sh              everything
#   deploy/test.sh --filter X   only tests whose names match X (options as of `swift test`)
#   TEST_LIMIT=SECONDS          after which a run is ended and says which tests had not ended; 2400, four times what all of them take
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

require_swift
install_packages "${build_packages[@]}" chromium faketime gcc openssl prometheus python3 python3-jsonschema redis-server redis-tools strace
# What the examples run on; C# is not in Debian.
install_packages golang-go nodejs openjdk-17-jdk-headless php-cli

quietly "format" swift format lint --strict --recursive Package.swift Sources Tests
quietly "walls" deploy/walls.sh
quietly "build (the first time takes some minutes)" swift build --build-tests --explicit-target-dependency-import-check error
log=$(mktemp)
# The runner knows no limit for a test that waits for what never comes. It is run without `swift test`, which would keep the tests' output
# to itself and leave them behind.
# Otherwise all tests begin at once, and short limits in time run out before a test gets a thread.
timeout --kill-after=10 "${TEST_LIMIT:-2400}" "$PWD/.build/debug/ciam-sidecarPackageTests.xctest" --testing-library swift-testing \
    --experimental-maximum-parallelization-width 8 "$@" >"$log" 2>&1 &
tests=$!
trap 'kill "$tests" 2>/dev/null || true; rm -f "$log"' EXIT
if ! wait "$tests"; then
    grep -vE '^(◇|✔) ' "$log" >&2 || cat "$log" >&2
    unfinished=$(comm -23 <(grep -oaE '◇ Test [^ ]+ started' "$log" | cut -d ' ' -f 3 | sort -u) \
        <(grep -oaE '(✔|✘) Test [^ ]+ .*after' "$log" | cut -d ' ' -f 3 | sort -u) | sed '/^run$/d')
    [ -z "$unfinished" ] || printf 'Begun and not ended:\n%s\n' "$unfinished" >&2
    exit 1
fi
tail -n 1 "$log"
