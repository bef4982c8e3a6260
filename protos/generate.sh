#!/usr/bin/env bash
# Writes the Python stubs of the contract into OUT (default: the checkout): messages, services, types.
# The schema of the rules comes out of the installed protovalidate, which applies them; its stub goes
# where everybody's is, so that a process has one.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root}
bin=$(dirname "$(command -v "${PYTHON:-python}")")
rules=$(mktemp)
trap 'rm -f "$rules"' EXIT
"$bin/python" "$root/protos/rules.py" > "$rules"
protoc() {
  PATH="$bin:$PATH" python -m grpc_tools.protoc -I . --descriptor_set_in="$rules" "$@"
}
cd "$root/protos"
protoc --python_out="$out" buf/validate/validate.proto
protoc --python_out="$out" --grpc_python_out="$out" --mypy_out="quiet:$out" --mypy_grpc_out="quiet:$out" \
  poolscore/v1/*.proto
