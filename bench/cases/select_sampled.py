"""What it costs that a strategy sees a sample of a large pool and not all of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.benchmark import Benchmark, Measurement
from bench.grouped_pool import grouped_pool
from poolscore.acquisition.base import Choice, Need, PoolView, Strategy
from poolscore.acquisition.build_view import ViewParts
from poolscore.acquisition.choose import choose
from poolscore.acquisition.registry import get_strategy, strategy_names

IMAGES, SHARE, BATCH, SEEDS = 20_000, 10, 100, 3


@dataclass(frozen=True)
class _Seeing:
    """A strategy that sees `most` images."""

    inner: Strategy
    most: int | None

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def needs(self) -> frozenset[Need]:
        return self.inner.needs

    @property
    def batchwise(self) -> bool:
        return self.inner.batchwise

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        return self.inner.query(view, batch_size, rng)


def measure() -> Measurement:
    """Smallest ratio, over the strategies that sample, of what the sampled choice covers."""
    pool = grouped_pool(IMAGES)
    found = {
        name: _compare(get_strategy(name), pool)
        for name in strategy_names()
        if get_strategy(name).most is not None
    }
    worst = min(each["covered_sampled"] / each["covered_whole"] for each in found.values())
    return Measurement(worst, worst, 1.0, found)


def _compare(strategy: Strategy, pool: ViewParts) -> dict[str, float]:
    whole, sampled = (_Seeing(strategy, most) for most in (None, IMAGES // SHARE))
    results: dict[str, list[float]] = {}
    for seed in range(SEEDS):
        for word, each in (("whole", whole), ("sampled", sampled)):
            rows = choose(each, pool, BATCH, np.random.default_rng(seed)).rows
            results.setdefault(f"covered_{word}", []).append(_covered(pool, rows))
            entropy = float(pool.scores.entropy[rows].mean())
            results.setdefault(f"entropy_{word}", []).append(entropy)
    return {name: float(np.mean(values)) for name, values in results.items()}


def _covered(pool: ViewParts, rows: np.ndarray[Any, np.dtype[np.int64]]) -> float:
    """Mean cosine of the pool's images to the chosen one that is most like them."""
    features_ND = pool.features(np.arange(len(pool.ids_N))).astype(np.float32)
    return float((features_ND @ features_ND[rows].T).max(axis=1).mean())


BENCHMARKS = (
    Benchmark(
        name="select_sampled_vs_whole",
        workload=(
            f"{BATCH} of {IMAGES:,} images by every strategy that samples large pools, once from "
            f"all and once from a sample of one in {SHARE}; mean cosine to the nearest chosen image"
        ),
        unit="x",
        peer="the same strategy seeing the whole pool",
        floor=0.9,
        measure=measure,
    ),
)
