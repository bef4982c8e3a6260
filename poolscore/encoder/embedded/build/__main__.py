"""Command line: builds the model file."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .config import BuildConfig
from .sources import sha256
from .stages import CONFIG_FILE, Build


def main() -> None:
    """Builds and prints the file's path, size and digest."""
    parser = argparse.ArgumentParser(description="Build the embedded model.")
    parser.add_argument("--work", type=Path, required=True, help="folder for the stages' results")
    parser.add_argument("--out", type=Path, default=CONFIG_FILE.parent, help="folder of the result")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    path = Build(arguments.work, BuildConfig()).write(arguments.out)
    print(f"{path} {path.stat().st_size} bytes sha256 {sha256(path)}")


if __name__ == "__main__":
    main()
