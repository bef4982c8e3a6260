#!/usr/bin/env bash
# Writes the Python stubs of the contract into OUT (default: the checkout): messages, services, types.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root}
bin=$(dirname "$(command -v "${PYTHON:-python}")")
cd "$root/protos"
PATH="$bin:$PATH" python -m grpc_tools.protoc -I . \
  --python_out="$out" --grpc_python_out="$out" --mypy_out="quiet:$out" --mypy_grpc_out="quiet:$out" \
  poolscore/v1/*.proto
