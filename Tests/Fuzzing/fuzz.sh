#!/usr/bin/env bash
# Fuzzes everything that reads bytes from outside (Tests/FuzzChecks) with libFuzzer, from the corpus on, and keeps in the corpus
# what reaches something new. An input that breaks a promise is left in Tests/Fuzzing/ and its name printed.
#
#   Tests/Fuzzing/fuzz.sh [SECONDS]     default 600
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-600}

FUZZING=1 swift build --scratch-path .build-fuzz --product Fuzzing -Xswiftc -sanitize=fuzzer
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
# A broken promise ends the program by itself; Swift's own backtrace would only be in the way.
export SWIFT_BACKTRACE=enable=no
.build-fuzz/debug/Fuzzing -max_total_time="$seconds" -max_len=2048 -artifact_prefix=Tests/Fuzzing/ \
    -dict=Tests/Fuzzing/dictionary -print_final_stats=1 "$found" Tests/Fuzzing/corpus
kept=$(mktemp -d)
trap 'rm -rf "$found" "$kept"' EXIT
.build-fuzz/debug/Fuzzing -merge=1 -max_len=2048 "$kept" Tests/Fuzzing/corpus "$found" 2>/dev/null
rm -rf Tests/Fuzzing/corpus
mkdir Tests/Fuzzing/corpus
cp "$kept"/* Tests/Fuzzing/corpus/
echo "the corpus holds $(find Tests/Fuzzing/corpus -type f | wc -l) inputs"
