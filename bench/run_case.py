"""Measure the benchmarks of one case, in a process of its own.

What an earlier case has held in memory would help or hinder the next one: to NumPy's large
intermediate arrays memory that the process has already makes a factor of three.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from rich.console import Console

from bench.benchmark import SkippedError, benchmarks_of
from bench.machine import describe_machine
from bench.results import result, save


def run_case(module: str, names: Sequence[str]) -> tuple[list[dict[str, Any]], bool]:
    """Entries of the named benchmarks of a module, saved as they come; and whether all passed.

    One that is skipped has no entry; one whose check fails has none and has not passed.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_measure, module, names).result()


def _measure(module: str, names: Sequence[str]) -> tuple[list[dict[str, Any]], bool]:
    console, entries, failed = Console(), list[dict[str, Any]](), list[str]()
    for name in names:
        benchmark = benchmarks_of(module)[name]
        console.print(f"[bold]{name}[/bold]: {benchmark.workload}")
        machine = describe_machine()
        try:
            entries.append(result(benchmark, benchmark.measure(), machine))
        except SkippedError as reason:
            console.print(f"[yellow]skipped[/yellow]: {reason}")
        except AssertionError as reason:
            console.print(f"[red]failed[/red]: {reason}")
            failed.append(name)
        save(entries, failed=failed)
    return entries, not failed and all(entry["passed"] for entry in entries)
