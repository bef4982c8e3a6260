"""`python -m bench [NAME ...]`: measure, compare with the floors, write results/latest.json."""

import sys
from typing import Any

from rich.console import Console

from bench.benchmark import SkippedError, find_benchmarks
from bench.machine import describe_machine
from bench.results import result, save, show


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; 1: one failed or is below its floor, 2: a wrong name."""
    console = Console()
    benchmarks = find_benchmarks()
    unknown = [name for name in names if name not in benchmarks]
    if unknown:
        print(
            f"no benchmark {', '.join(unknown)}; there are {', '.join(benchmarks)}", file=sys.stderr
        )
        return 2
    results: list[dict[str, Any]] = []
    wrong = 0
    for name in names or sorted(benchmarks):
        benchmark = benchmarks[name]
        console.print(f"[bold]{name}[/bold]: {benchmark.workload}")
        machine = describe_machine()
        try:
            results.append(result(benchmark, benchmark.measure(), machine))
        except SkippedError as reason:
            console.print(f"[yellow]skipped[/yellow]: {reason}")
        except AssertionError as reason:
            console.print(f"[red]failed[/red]: {reason}")
            wrong += 1
        save(results)
    show(results, console)
    return 0 if all(entry["passed"] for entry in results) and not wrong else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
