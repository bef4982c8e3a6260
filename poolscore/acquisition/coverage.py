"""Images that stand for the doubtful part of the pool: weighted facility location [C].

The greedy maximiser of a monotone submodular function is within 1 - 1/e of the best batch
(Nemhauser, Wolsey and Fisher 1978), and it is found lazily (Minoux 1978).
Shapes: N images, L labeled, n candidates, m targets.
"""

from dataclasses import dataclass

import numpy as np

from poolscore.acquisition.base import NOTHING, Choice, Float32, Int64, Need, PoolView
from poolscore.acquisition.id_order import in_id_order
from poolscore.acquisition.remainder import complete
from poolscore.acquisition.supplied import require

_LOOK = 32
"""Candidates whose gain is computed again at a time."""
_ALIKE = np.float32(np.exp(-1.0))
"""Likeness of images that are one bandwidth apart."""


@dataclass(frozen=True)
class Coverage:
    """The batch that, with the labeled images, resembles the doubtful images of the pool most.

    Maximises sum_i w_i max_j exp((<v_i, v_j> - 1) / t) over the images j that are labeled or in the
    batch, where w_i = 1 - difference of the two largest class probabilities of image i and t is
    `bandwidth` of the pool's mean cosine distance. Doubt alone asks for outliers and for
    near-copies of one hard image; likeness alone asks about what the prompts know already. Large
    pools are represented by `targets` and `candidates` images drawn by the seed. Runs in the order
    of the ids.
    """

    bandwidth: float = 1 / 6
    """Of the likeness, as a share of the pool's mean cosine distance [C]."""
    targets: int = 4096
    """Images at most that are to be resembled [C]."""
    candidates: int = 8192
    """Images at most that are chosen from [C]."""
    name: str = "coverage"
    needs: frozenset[Need] = frozenset({Need.FEATURES, Need.LABELED})
    most: int | None = 50_000
    batchwise: bool = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is the gain in covered doubt, in images."""
        view, order = in_id_order(view)
        given, size = require(view, self), min(max(batch_size, 0), len(view.ids))
        if size == 0:
            return NOTHING
        target, candidate = (
            _draw(len(view.ids), max(limit, size), rng) for limit in (self.targets, self.candidates)
        )
        target_mD, candidate_nD = (
            given.stored_features_ND[rows].astype(np.float32) for rows in (target, candidate)
        )
        known_LD = given.labeled.features_LD.astype(np.float32)
        scale = self.bandwidth * mean_distance(target_mD)
        doubt_m = 1.0 - view.scores.margin[target] + np.float32(1e-6)
        share = view.stands_for * len(view.ids) / len(target)
        doubt_m *= share
        kernel_nm = likeness(candidate_nD, target_mD, scale)
        covered_m = np.zeros(len(target), np.float32)
        for start in range(0, len(known_LD), 1024):
            known = likeness(known_LD[start : start + 1024], target_mD, scale)
            covered_m = np.maximum(covered_m, known.max(axis=0))
        picks, gains, alike = cover(kernel_nm, doubt_m, covered_m, size)
        rows = candidate[picks]
        reasons = [
            f"resembles {_about(count * share)} better than any labeled one does; "
            f"predicted '{view.classes[k]}' with {p:.2f}"
            for count, k, p in zip(
                alike,
                view.scores.predicted[rows].tolist(),
                view.scores.probability[rows].tolist(),
                strict=True,
            )
        ]
        choice = complete(view, Choice(rows, np.array(gains, np.float64), reasons), size)
        return Choice(order[choice.rows], choice.utilities, choice.reasons)


def mean_distance(points_ND: Float32) -> float:
    """Mean cosine distance of all pairs of unit vectors, at least 1e-6."""
    middle = points_ND.mean(axis=0, dtype=np.float64)
    return max(1.0 - float(middle @ middle), 1e-6)


def likeness(one_nD: Float32, other_mD: Float32, scale: float) -> Float32:
    """Return exp((cosine - 1) / scale), shape (n, m), 1 for equal vectors."""
    kernel_nm = np.minimum(one_nD @ other_mD.T, 1.0)  # a unit vector in float16 may be longer
    kernel_nm -= 1.0
    kernel_nm /= scale
    return np.exp(kernel_nm, out=kernel_nm)


def cover(
    kernel_nm: Float32, weight_m: Float32, covered_m: Float32, size: int
) -> tuple[Int64, list[float], list[int]]:
    """Return up to `size` picks of the greedy cover, their gains, and how many targets each won.

    Won are targets within a bandwidth that nothing before resembled more.

    Gains only shrink while the cover grows, so an old gain bounds the new one: candidates are
    looked at again from the largest bound on until one that is up to date leads. Ties go to the
    lower row.
    """
    covered_m = covered_m.copy()
    bounds_n = gains_of(kernel_nm, np.arange(len(kernel_nm)), weight_m, covered_m)
    fresh_n = np.zeros(len(kernel_nm), np.int64)
    picks, gains, alike = list[int](), list[float](), list[int]()
    for step in range(min(size, len(kernel_nm))):
        best = int(bounds_n.argmax())
        while fresh_n[best] != step:
            stale = np.where(fresh_n == step, -np.inf, bounds_n)
            look = np.argpartition(-stale, min(_LOOK, len(stale)) - 1)[:_LOOK]
            look = np.append(look[np.isfinite(stale[look])], best)
            bounds_n[look] = gains_of(kernel_nm, look, weight_m, covered_m)
            fresh_n[look] = step
            best = int(bounds_n.argmax())
        picks.append(best)
        gains.append(float(bounds_n[best]))
        alike.append(int((kernel_nm[best] > np.maximum(covered_m, _ALIKE)).sum()))
        covered_m = np.maximum(covered_m, kernel_nm[best])
        bounds_n[best] = -np.inf
    return np.array(picks, np.int64), gains, alike


def gains_of(
    kernel_nm: Float32, rows: Int64, weight_m: Float32, covered_m: Float32
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Weighted growth of the cover by each candidate, alone."""
    gains = np.empty(len(rows), np.float64)
    for start in range(0, len(rows), 256):
        part = rows[start : start + 256]
        growth_km = np.maximum(kernel_nm[part] - covered_m, 0.0)
        gains[start : start + len(part)] = growth_km @ weight_m
    return gains


def _draw(count: int, limit: int, rng: np.random.Generator) -> Int64:
    """Rows in order: all, or `limit` of them by the seed."""
    if count <= limit:
        return np.arange(count)
    return np.sort(rng.choice(count, limit, replace=False))


def _about(images: float) -> str:
    count = max(1, round(images))
    return "about 1 image" if count == 1 else f"about {count:,} images"
