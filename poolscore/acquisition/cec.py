"""CEC: calibrated entropy-weighted clustering (Safaei and Patel, WACV 2025, arXiv 2410.22187).

Shapes: N images, C classes, K neighbours.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import NOTHING, Choice, Float32, Need, PoolView
from poolscore.acquisition.id_order import in_id_order
from poolscore.acquisition.kmeans import kmeans
from poolscore.acquisition.remainder import complete
from poolscore.acquisition.supplied import require
from poolscore.neighbours.lists import Neighbours

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cec:
    """A re-implementation of CEC with hyper-parameters of our own: the source names none of them.

    [A2] Class prior P(c) = mean of the `top` largest p(c|x); q = normalised p / P; H = entropy of
    q; U = H + beta * weighted mean of H over the neighbours; k-means on the embeddings weighted by
    U with one cluster a query; of each cluster the image nearest to the centroid.
    [C] top = 32 (at most N / C), neighbours = 10, beta = 0.5; neighbour weights max(cos, 0) that
    sum to 1; the queries come in descending U; empty clusters leave their places to the entropy.
    Runs in the order of the ids.
    """

    top: int = 32
    neighbours: int = 10
    beta: float = 0.5
    name: str = "cec"
    needs: frozenset[Need] = frozenset({Need.PROBABILITIES, Need.FEATURES, Need.NEIGHBOURS})
    most: int | None = 50_000
    batchwise: bool = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is U in nats."""
        view, order = in_id_order(view)
        given = require(view, self)
        if min(batch_size, len(view.ids)) <= 0:
            return NOTHING
        entropy_N = entropy(calibrated(given.probabilities_NC, self.top))
        around_N = around(entropy_N, given.neighbours, self.neighbours)
        utility_N = entropy_N + self.beta * around_N
        clusters = kmeans(given.features_ND, batch_size, rng, utility_N)
        rows = clusters.nearest()
        rows = rows[np.argsort(-utility_N[rows], kind="stable")]
        sizes = clusters.sizes()[clusters.assignment_N[rows]]
        reasons = [
            f"stands for {view.in_pool(size):,} similar images: calibrated entropy {h:.2f} nats, "
            f"its neighbours' {n:.2f}"
            for size, h, n in zip(
                sizes.tolist(), entropy_N[rows].tolist(), around_N[rows].tolist(), strict=True
            )
        ]
        choice = complete(view, Choice(rows, utility_N[rows], reasons), batch_size)
        return Choice(order[choice.rows], choice.utilities, choice.reasons)


def calibrated(probabilities_NC: Float32, top: int) -> Float64:
    """Return q: probabilities divided by the class prior, rows that sum to 1."""
    count, classes = probabilities_NC.shape
    kept = max(min(top, count // classes), 1)
    largest = np.partition(probabilities_NC, count - kept, axis=0)[count - kept :]
    prior_C = np.maximum(largest.mean(axis=0, dtype=np.float64), np.finfo(np.float32).tiny)
    q_NC = probabilities_NC / prior_C
    return q_NC / q_NC.sum(axis=1, keepdims=True)


def entropy(q_NC: Float64) -> Float64:
    """Return the entropy of each row in nats; 0 log 0 = 0."""
    return -(q_NC * np.log(np.where(q_NC > 0, q_NC, 1.0))).sum(axis=1)


def around(entropy_N: Float64, graph: Neighbours, count: int) -> Float64:
    """Return the mean entropy of the `count` nearest neighbours, weighted by max(cos, 0)."""
    rows = graph.rows_NK[:, :count]
    if rows.shape[1] == 0:
        return np.zeros(len(entropy_N))
    weight_NK = np.maximum(graph.similarity_NK[:, :count], 0.0).astype(np.float64)
    # An image opposite to all others has no similar neighbour: then they count alike.
    weight_NK[weight_NK.sum(axis=1) <= 0] = 1.0
    return (weight_NK * entropy_N[rows]).sum(axis=1) / weight_NK.sum(axis=1)
