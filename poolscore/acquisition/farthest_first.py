"""Greedy k-centre: every next centre is the point farthest from all centres so far.

Shapes: N points, L points that are centres from the start, B new centres, D width.
"""

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Float32, Int64

_START_TILE = 256


def farthest_first(
    points_ND: Float32, start_LD: Float32, count: int
) -> tuple[Int64, npt.NDArray[np.float64]]:
    """Return min(count, N) rows and their Euclidean distance to the nearest centre before them.

    Gonzalez 1985; of equally far points the first. Without a start the first centre is the point
    nearest to the mean [C], with the distance that the second one has.
    """
    count = min(count, len(points_ND))
    rows, far = np.empty(count, np.int64), np.zeros(count)
    if count <= 0:
        return rows[:0], far[:0]
    length_N = np.einsum("nd,nd->n", points_ND, points_ND)
    closest_N = _to_start(points_ND, length_N, start_LD)
    for place in range(count):
        if place == 0 and not len(start_LD):
            row = _nearest_to_mean(points_ND, length_N)
        else:
            row = int(closest_N.argmax())
            far[place] = closest_N[row]
        rows[place] = row
        squared_N = length_N + length_N[row] - 2.0 * (points_ND @ points_ND[row])
        np.minimum(closest_N, np.maximum(squared_N, 0.0), out=closest_N)
        closest_N[rows[: place + 1]] = -1.0  # below a duplicate, so that none is taken twice
    if not len(start_LD):
        far[0] = far[1] if count > 1 else max(float(closest_N.max()), 0.0)
    return rows, np.sqrt(far)


def _to_start(points_ND: Float32, length_N: Float32, start_LD: Float32) -> Float32:
    """Squared distance of each point to the nearest of the start, infinite without one."""
    closest_N = np.full(len(points_ND), np.inf, np.float32)
    for begin in range(0, len(start_LD), _START_TILE):
        tile = start_LD[begin : begin + _START_TILE]
        squared = np.einsum("ld,ld->l", tile, tile)[:, None] - 2.0 * (tile @ points_ND.T)
        np.minimum(closest_N, length_N + squared.min(axis=0), out=closest_N)
    return np.maximum(closest_N, 0.0)


def _nearest_to_mean(points_ND: Float32, length_N: Float32) -> int:
    return int((length_N - 2.0 * (points_ND @ points_ND.mean(axis=0))).argmin())
