"""`python -m bench [NAME ...]`: measure, compare with the floors, write results/latest.json."""

import sys
from typing import Any

from rich.console import Console

from bench.benchmark import find_cases
from bench.results import show
from bench.run_case import run_case


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; 1: one failed or is below its floor, 2: a wrong name."""
    cases = find_cases()
    known = sorted(name for benchmarks in cases.values() for name in benchmarks)
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    entries, passed = list[dict[str, Any]](), True
    for module, benchmarks in cases.items():
        if wanted := [name for name in benchmarks if name in (names or known)]:
            measured, good = run_case(module, wanted)
            entries, passed = entries + measured, passed and good
    show(entries, Console())
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
