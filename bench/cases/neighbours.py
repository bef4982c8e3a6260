"""The neighbour graph of a million images: built, and grown by one in a hundred."""

from functools import cache
from typing import Any

import numpy as np

from bench.benchmark import Benchmark, Measurement
from bench.grouped_pool import WIDTH, grouped_pool
from bench.memory import peak_gib, reset_peak
from bench.timing import seconds
from poolscore.neighbours import search as searching
from poolscore.neighbours.build import Built, build, extend
from poolscore.neighbours.device import all_cores
from poolscore.neighbours.exact import ExactIndex
from poolscore.neighbours.features import HeldFeatures
from poolscore.neighbours.limits import NEIGHBOURS

IMAGES, SHARE = 1_000_000, 100
SECONDS, RECALL, MEMORY_GIB = 300.0, 0.95, 6.0
_SAMPLE = 256


def measure_build() -> Measurement:
    """Seconds from scratch; the limit is the arithmetic of comparing every pair."""
    built, took, peak = _whole()
    _check(built, peak)
    return Measurement(took, SECONDS / took, _every_pair(), _details(built, peak))


def measure_growth() -> Measurement:
    """Seconds of adding the last images to the graph of the others; the peer builds it anew."""
    features = _pool()
    before = IMAGES - IMAGES // SHARE
    with all_cores():
        first = build(HeldFeatures(features[:before]), NEIGHBOURS)
    rows = np.append(np.arange(before), np.full(IMAGES - before, -1))
    before_gib = _reset()
    found: list[Built] = []

    def grow() -> None:
        with all_cores():
            held = HeldFeatures(features)
            found.append(extend(held, first.neighbours, first.exact, rows, NEIGHBOURS))

    took = seconds(grow)
    peak = peak_gib() - before_gib
    _check(found[0], peak)
    anew = _whole()[1]
    return Measurement(took, anew / took, anew / SHARE, _details(found[0], peak) | {"anew": anew})


@cache
def _whole() -> tuple[Built, float, float]:
    features = HeldFeatures(_pool())
    before_gib = _reset()
    found: list[Built] = []

    def run() -> None:
        with all_cores():
            found.append(build(features, NEIGHBOURS))

    took = seconds(run)
    return found[0], took, peak_gib() - before_gib


def _reset() -> float:
    """Begin a new peak; GiB that the process holds already, the embeddings among them."""
    reset_peak()
    return peak_gib()


@cache
def _pool() -> np.ndarray[Any, np.dtype[np.floating[Any]]]:
    return np.asarray(grouped_pool(IMAGES).features(np.arange(IMAGES)))


@cache
def _every_pair() -> float:
    """Seconds of an exact graph, from a few rows."""
    images_ND = _pool().astype(np.float32)
    with all_cores():
        index = ExactIndex(images_ND)
        took = seconds(lambda: index.candidates(images_ND[:_SAMPLE], NEIGHBOURS))
    return took * IMAGES / _SAMPLE


def _check(built: Built, peak: float) -> None:
    if built.recall < RECALL:
        raise AssertionError(f"recall@{NEIGHBOURS} is {built.recall:.3f}")
    if peak > MEMORY_GIB:
        raise AssertionError(f"{peak:.1f} GiB more than the embeddings")


def _details(built: Built, peak: float) -> dict[str, object]:
    return {
        "recall": built.recall,
        "recall_sample": built.sample,
        "peak_gib": peak,
        "searches": [each.as_json() for each in built.searches],
        "exact_pairs": searching.EXACT_PAIRS,
    }


_WORKLOAD = f"{NEIGHBOURS} neighbours of {IMAGES:,} images of width {WIDTH} in groups"

BENCHMARKS = (
    Benchmark(
        name="neighbours_1m_build_seconds",
        workload=_WORKLOAD,
        unit="s",
        peer=f"a budget of {SECONDS:,.0f} s with recall {RECALL} and {MEMORY_GIB:.0f} GiB of work",
        floor=1.0,
        measure=measure_build,
    ),
    Benchmark(
        name="neighbours_1m_growth_seconds",
        workload=f"{_WORKLOAD}, one in {SHARE} of them new",
        unit="s",
        peer="building the graph anew",
        floor=2.0,
        measure=measure_growth,
    ),
)
