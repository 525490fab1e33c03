#!/usr/bin/env bash
# Makes a web site of the documentation. Any warning fails.
#
#   deploy/documentation.sh FOLDER     then, for example: python3 -m http.server --bind 127.0.0.1 --directory FOLDER
set -euo pipefail
if [ $# -ne 1 ]; then echo "usage: deploy/documentation.sh FOLDER" >&2 && exit 64; fi
site=$(realpath -m "$1")
cd "$(dirname "$0")/.."
docc=$(dirname "$(readlink -f "$(command -v swift)")")/docc

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r Sources/Sidecar/Documentation.docc "$scratch"
# In the repository pages link to files, on the site to pages; what lies outside of the documentation is no link there. The front page
# stands for itself: no symbols come with it.
sed -i -E -e 's/\]\(([A-Za-z]+)\.md(#[^)]*)?\)/](doc:\1)/g' -e 's/\[([^]]*)\]\(\.\.\/[^)]*\)/\1/g' "$scratch"/Documentation.docc/*.md
sed -i '1s/.*/# ciam-sidecar\n\n@Metadata {\n  @TechnologyRoot\n}/' "$scratch/Documentation.docc/Documentation.md"
"$docc" convert "$scratch/Documentation.docc" --fallback-display-name ciam-sidecar --fallback-bundle-identifier ciam-sidecar \
    --warnings-as-errors --output-path "$site"
