"""k-means with sample weights: k-means++ seeding, then Lloyd's iterations.

Shapes: N points, K clusters, D width, T trials of a draw.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from poolscore.acquisition.base import Float32, Int64

Float64 = npt.NDArray[np.float64]

ITERATIONS = 25
"""Most passes over the points; assignments of image features settle in ten to twenty."""
_TILE = 1 << 14


@dataclass(frozen=True)
class Clusters:
    """A partition of the points; a cluster is empty only where points coincide."""

    centroids_KD: Float32
    assignment_N: Int64
    squared_N: Float32
    """Squared distance of each point to the centroid of its cluster."""

    def sizes(self) -> Int64:
        """Number of points of each cluster, shape (K,)."""
        return np.bincount(self.assignment_N, minlength=len(self.centroids_KD))

    def nearest(self) -> Int64:
        """Row nearest to the centroid of each cluster that has any, the first of equally near ones.

        By cluster number; fewer than K where clusters are empty.
        """
        order = np.lexsort((self.squared_N, self.assignment_N))
        _, first = np.unique(self.assignment_N[order], return_index=True)
        return order[first]


def kmeans(
    points_ND: Float32,
    clusters: int,
    rng: np.random.Generator,
    weights_N: npt.NDArray[np.floating] | None = None,
    iterations: int = ITERATIONS,
) -> Clusters:
    """Minimise the weighted squared distances to `min(clusters, N)` centroids.

    Seeding is k-means++ (Arthur and Vassilvitskii 2007) with draws in proportion to weight times
    squared distance, in its greedy form: of 2 + log K draws the one that helps most, which is what
    scikit-learn, behind the code of most methods here, does as well. Without weights all
    count alike; so they do when no weight is positive. The result depends on the order of the
    points: sort by id first. Raises ValueError without points or clusters.
    """
    count = min(clusters, len(points_ND))
    if count <= 0:
        raise ValueError(f"{clusters} clusters of {len(points_ND)} points")
    weights = np.ones(len(points_ND)) if weights_N is None else weights_N.astype(np.float64)
    if not weights.max() > 0:
        weights = np.ones(len(points_ND))
    if count == len(points_ND):
        return Clusters(points_ND, np.arange(count), np.zeros(count, np.float32))
    points, weight = torch.from_numpy(points_ND), torch.from_numpy(weights.astype(np.float32))
    centroids = points[torch.from_numpy(seed_rows(points_ND, count, rng, weights))].clone()
    assigned, squared = _assign(points, centroids)
    for _ in range(iterations):
        centroids = _means(points, weight, assigned, squared, centroids)
        before = assigned
        assigned, squared = _assign(points, centroids)
        if torch.equal(before, assigned):
            break
    return Clusters(centroids.numpy(), assigned.numpy(), squared.numpy())


def seed_rows(
    points_ND: Float32, count: int, rng: np.random.Generator, weights_N: Float64
) -> Int64:
    """Rows of `count` <= N initial centroids by weighted greedy k-means++."""
    trials = 2 + int(np.log(count))
    weight_N = weights_N.astype(np.float32)
    length_N = np.einsum("nd,nd->n", points_ND, points_ND)
    rows = np.empty(count, np.int64)
    closest_N = np.full(len(points_ND), np.inf, np.float32)
    for place in range(count):
        # The first one is drawn by weight alone: there is nothing to be far from.
        tried = draw(weights_N * closest_N if place else weights_N, rng, trials if place else 1)
        if not len(tried):  # every point of positive weight coincides with a centroid
            tried = np.setdiff1d(np.arange(len(points_ND)), rows[:place])[:1]
        squared_TN = (-2.0 * points_ND[tried]) @ points_ND.T
        squared_TN += length_N
        squared_TN += length_N[tried, None]
        np.clip(squared_TN, 0.0, closest_N, out=squared_TN)
        best = int((squared_TN @ weight_N).argmin())
        rows[place], closest_N = tried[best], squared_TN[best].copy()
        closest_N[rows[place]] = 0.0
    return rows


def draw(chance_N: Float64, rng: np.random.Generator, count: int) -> Int64:
    """Rows drawn with replacement in proportion to `chance_N`; none when all chances are zero."""
    total_N = np.cumsum(chance_N)
    points = rng.random(count) * total_N[-1]
    if not total_N[-1] > 0:
        return np.empty(0, np.int64)
    last = np.flatnonzero(chance_N)[-1]
    return np.minimum(np.searchsorted(total_N, points, side="right"), last)


def _assign(points: torch.Tensor, centroids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Nearest centroid of each point (the first of equals) and the squared distance to it."""
    half = (centroids * centroids).sum(dim=1) / 2.0
    best: list[torch.Tensor] = []
    for tile in points.split(_TILE):
        best.append(torch.addmm(half, tile, centroids.T, alpha=-1.0).argmin(dim=1))
    assigned = torch.cat(best)
    # From the difference itself: the expanded square would cancel where a point is near.
    squared = torch.cat(
        [
            (tile - centroids[rows]).square().sum(dim=1)
            for tile, rows in zip(points.split(_TILE), assigned.split(_TILE), strict=True)
        ]
    )
    return assigned, squared


def _means(
    points: torch.Tensor,
    weight: torch.Tensor,
    assigned: torch.Tensor,
    squared: torch.Tensor,
    centroids: torch.Tensor,
) -> torch.Tensor:
    """Weighted means; a cluster without weight moves to the points that are worst represented."""
    mass = torch.zeros(len(centroids)).index_add_(0, assigned, weight)
    sums = torch.zeros_like(centroids).index_add_(0, assigned, points * weight[:, None])
    means = torch.where(mass[:, None] > 0, sums / mass.clamp(min=1e-30)[:, None], centroids)
    empty = torch.nonzero(mass <= 0)[:, 0]
    if len(empty):
        worst = torch.sort(weight * squared, descending=True, stable=True)
        moved = min(len(empty), int((worst.values > 0).sum()))
        means[empty[:moved]] = points[worst.indices[:moved]]
    return means
