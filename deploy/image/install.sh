#!/bin/bash
# install.sh gpu|cpu: what poolscore needs at run time into the active environment, in the versions and with
# the hashes of requirements.lock. PyPI has torch with CUDA only: `cpu` takes the build of the same version
# that PyTorch itself publishes, by version alone, and FAISS without CUDA.
set -euo pipefail
variant=${1:-gpu}
shift || true
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
case $variant in
gpu) uv pip install --require-hashes -r pyproject.toml -c requirements.lock "$@" ;;
cpu)
	# torch and torchvision keep their versions and lose their hashes; faiss-cpu loses its marker.
	awk '/^[a-z]/ { torch = /^torch(vision)?==/; if (torch) print $1 } !torch' requirements.lock |
		sed 's/^\(faiss-cpu==[^ ]*\) ;.*/\1 \\/' >"$folder/cpu.lock"
	echo 'faiss-gpu' >"$folder/excludes"
	uv pip install --verify-hashes --torch-backend cpu -r pyproject.toml faiss-cpu \
		-c "$folder/cpu.lock" --excludes "$folder/excludes" "$@"
	;;
*)
	echo "install.sh: the variant is '$variant', but must be gpu or cpu" >&2
	exit 2
	;;
esac
