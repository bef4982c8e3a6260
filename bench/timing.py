"""How long something takes."""

from collections.abc import Callable
from statistics import median
from time import perf_counter


def seconds(run: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = perf_counter()
    run()
    return perf_counter() - started


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Median of `repeats` calls after one that nobody counts."""
    run()
    return median(seconds(run) for _ in range(repeats))
