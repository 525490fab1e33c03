#!/usr/bin/env bash
# Builds the program as it is released: by a profile of which functions run often (deploy/release.json), and optimised as a whole when it
# is linked, which takes two to three minutes and 2 GB of memory for each program; only Swift's own linker, lld, does that. Plain
# `swift build -c release --static-swift-stdlib` makes the same program, which takes more CPU. There is no debug information in it:
# functions have their names, lines have no numbers.
#
#   deploy/build.sh [OPTION...]      options of swift build; without `--product ciam-sidecar` the emulator is built as well, and both may be
#                                    linked at the same time. The programs are in .build/release
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh
require_swift
install_packages "${build_packages[@]}" >&2
exec swift build -c release --static-swift-stdlib --toolset deploy/release.json --experimental-lto-mode full \
    -debug-info-format none "$@"
