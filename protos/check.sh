#!/usr/bin/env bash
# Fails when the contract breaks clients of the last release, or when the committed stubs differ from
# what it generates.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bin=$(dirname "$(command -v "${PYTHON:-python}")")
"$bin/buf" build "$root/protos" --path "$root/protos/poolscore" --output - |
  "$bin/buf" breaking - --exclude-imports --against "$root/protos/released.binpb"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$root/protos/generate.sh" "$fresh"
for stub in buf/validate poolscore/v1; do
  for file in "$fresh/$stub"/*; do
    cmp --silent "$file" "$root/$stub/$(basename "$file")" || {
      echo "$stub/$(basename "$file") is out of date: run 'make protos' and commit the result" >&2
      exit 1
    }
  done
done
