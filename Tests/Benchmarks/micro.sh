#!/usr/bin/env bash
# Measures the parts of the program (Tests/Benchmarks/Cases) and prints a Markdown table. Only figures of one run on one machine can
# be compared.
#
#   Tests/Benchmarks/micro.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
BENCHMARKS=1 swift build -c release --product Benchmarks --scratch-path .build-benchmarks >&2
.build-benchmarks/release/Benchmarks
