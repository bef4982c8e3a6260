#!/usr/bin/env bash
# Fails when the committed stubs differ from what the contract generates.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$root/protos/generate.sh" "$fresh"
for stub in "$fresh"/poolscore/v1/*; do
  cmp --silent "$stub" "$root/poolscore/v1/$(basename "$stub")" || {
    echo "poolscore/v1/$(basename "$stub") is out of date: run 'make protos' and commit the result" >&2
    exit 1
  }
done
