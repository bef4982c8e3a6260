"""A batch of a thousand from a million images, by every strategy."""

from functools import cache, partial

import numpy as np

from bench.benchmark import Benchmark, Measurement
from bench.grouped_pool import CLASSES, LABELED, WIDTH, grouped_pool
from bench.memory import peak_gib, reset_peak
from bench.timing import median_seconds, seconds
from poolscore.acquisition.build_view import ViewParts
from poolscore.acquisition.choose import choose
from poolscore.acquisition.ordering import lowest
from poolscore.acquisition.registry import get_strategy, strategy_names

IMAGES, BATCH, REPEATS = 1_000_000, 1_000, 3
SECONDS, MEMORY_GIB = 60.0, 12.0


def measure(name: str) -> Measurement:
    """Median of several queries, and the largest memory, the pool included."""
    pool = _pool()
    reset_peak()
    times = [seconds(partial(_query, name, pool, seed)) for seed in range(REPEATS)]
    peak = peak_gib()
    if peak > MEMORY_GIB:
        raise AssertionError(f"{name} took the process to {peak:.1f} GiB")
    value = float(np.median(times))
    details = {"seconds": times, "peak_gib": peak, "images_seen": get_strategy(name).most or IMAGES}
    return Measurement(value, SECONDS / value, _one_pass(), details)


def _query(name: str, pool: ViewParts, seed: int) -> None:
    choice = choose(get_strategy(name), pool, BATCH, np.random.default_rng(seed))
    if len(set(choice.rows.tolist())) != BATCH:
        raise AssertionError(f"{name} chose {len(choice.rows)} rows, not {BATCH}")


@cache
def _pool() -> ViewParts:
    return grouped_pool(IMAGES)


@cache
def _one_pass() -> float:
    """Seconds of finding the largest entropies: no choice by scores takes less."""
    pool = _pool()
    return median_seconds(lambda: lowest(-pool.scores.entropy, pool.ids_N, BATCH), REPEATS)


BENCHMARKS = tuple(
    Benchmark(
        name=f"select_1m_{name}_seconds",
        workload=(
            f"'{name}' chooses {BATCH:,} of {IMAGES:,} images of width {WIDTH}, {CLASSES} classes, "
            f"{LABELED:,} labeled"
        ),
        unit="s",
        peer=f"a budget of {SECONDS:.0f} s and {MEMORY_GIB:.0f} GiB",
        floor=1.0,
        measure=partial(measure, name),
    )
    for name in strategy_names()
)
