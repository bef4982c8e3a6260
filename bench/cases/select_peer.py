"""The same selections as a library for active learning makes: scikit-activeml's."""

from dataclasses import replace
from functools import partial
from itertools import cycle, islice

import numpy as np
import numpy.typing as npt

from bench.benchmark import Benchmark, Measurement, SkippedError
from bench.grouped_pool import LABELED, WIDTH, grouped_pool
from bench.timing import seconds
from poolscore.acquisition.build_view import ViewParts
from poolscore.acquisition.choose import choose
from poolscore.acquisition.registry import get_strategy

IMAGES, BATCH, REPEATS = 10_000, 100, 3
PEERS = {"coreset": "CoreSet", "typiclust": "TypiClust"}


def measure(name: str) -> Measurement:
    """Medians in turn; a cover must be as tight as the peer's."""
    pool = grouped_pool(IMAGES)
    # The first images of the pool are the labeled ones.
    rows = np.arange(LABELED, IMAGES)
    features_ND = pool.features(np.arange(IMAGES)).astype(np.float32)
    unlabeled = replace(
        pool,
        ids_N=pool.ids_N[rows],
        scores=pool.scores.take(rows),
        features=lambda some: pool.features(rows[some]),
    )
    own, theirs = list[float](), list[float]()
    chosen: dict[str, npt.NDArray[np.int64]] = {}
    for seed in range(REPEATS):
        own.append(seconds(partial(_ours, name, unlabeled, rows, seed, chosen)))
        theirs.append(seconds(partial(_peer, name, features_ND, seed, chosen)))
    radius = {who: _radius(features_ND, picked) for who, picked in chosen.items()}
    if any(len(set(picked.tolist())) != BATCH for picked in chosen.values()):
        raise AssertionError(f"{name} did not choose {BATCH} images")
    if name == "coreset" and radius["ours"] > 1.02 * radius["peer"]:
        raise AssertionError(f"our cover is looser than the peer's: {radius}")
    ratio = float(np.median(theirs) / np.median(own))
    return Measurement(ratio, ratio, ratio, {"ours_s": own, "peer_s": theirs, "radius": radius})


def _ours(
    name: str,
    pool: ViewParts,
    rows: npt.NDArray[np.int64],
    seed: int,
    chosen: dict[str, npt.NDArray[np.int64]],
) -> None:
    choice = choose(get_strategy(name), pool, BATCH, np.random.default_rng(seed))
    chosen["ours"] = rows[choice.rows]


def _peer(
    name: str,
    features_ND: npt.NDArray[np.float32],
    seed: int,
    chosen: dict[str, npt.NDArray[np.int64]],
) -> None:
    try:
        from skactiveml import pool
    except ImportError as error:
        raise SkippedError("scikit-activeml is not installed") from error
    labels_N = np.full(len(features_ND), np.nan)
    labels_N[:LABELED] = list(islice(cycle(range(10)), LABELED))
    strategy = getattr(pool, PEERS[name])(random_state=seed)
    chosen["peer"] = np.asarray(strategy.query(features_ND, labels_N, batch_size=BATCH))


def _radius(features_ND: npt.NDArray[np.float32], picked: npt.NDArray[np.int64]) -> float:
    """Largest distance of an image to what is labeled or chosen."""
    centres = np.append(np.arange(LABELED), picked)
    similarity_N = (features_ND @ features_ND[centres].T).max(axis=1)
    return float(np.sqrt(np.maximum(2.0 - 2.0 * similarity_N, 0.0)).max())


BENCHMARKS = tuple(
    Benchmark(
        name=f"select_{name}_vs_skactiveml",
        workload=(
            f"'{name}' chooses {BATCH} of {IMAGES:,} images of width {WIDTH}, {LABELED:,} labeled"
        ),
        unit="x",
        peer=f"scikit-activeml's {peer}",
        floor=2.0,
        measure=partial(measure, name),
    )
    for name, peer in PEERS.items()
)
