"""k-means with sample weights: k-means++ seeding, then Lloyd's iterations.

Shapes: N points, K clusters, D width.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from poolscore.acquisition.base import Float32, Int64

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
    squared distance. Without weights all count alike; so they do when no weight is positive. The
    result depends on the order of the points: sort by id first. ValueError without points or
    clusters.
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
    points_ND: Float32, count: int, rng: np.random.Generator, weights_N: npt.NDArray[np.float64]
) -> Int64:
    """Rows of `count` <= N initial centroids by weighted k-means++."""
    length_N = np.einsum("nd,nd->n", points_ND, points_ND)
    rows = np.empty(count, np.int64)
    closest_N = np.full(len(points_ND), np.inf, np.float32)
    chance_N = weights_N.copy()
    for place in range(count):
        row = draw(chance_N, rng)
        if row < 0:  # every point of positive weight coincides with a centroid
            row = int(np.setdiff1d(np.arange(len(points_ND)), rows[:place])[0])
        rows[place] = row
        squared_N = length_N + length_N[row] - 2.0 * (points_ND @ points_ND[row])
        np.minimum(closest_N, np.maximum(squared_N, 0.0), out=closest_N)
        closest_N[row] = 0.0
        chance_N = weights_N * closest_N
    return rows


def draw(chance_N: npt.NDArray[np.float64], rng: np.random.Generator) -> int:
    """Row drawn in proportion to `chance_N`; -1 when all are zero. Takes one number of `rng`."""
    total_N = np.cumsum(chance_N)
    point = rng.random() * total_N[-1]
    if not total_N[-1] > 0:
        return -1
    return int(min(np.searchsorted(total_N, point, side="right"), np.flatnonzero(chance_N)[-1]))


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
