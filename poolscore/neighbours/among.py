"""A graph seen by a part of its images.

Shapes: N images, n of them kept, K neighbours.
"""

import numpy as np

from poolscore.neighbours.lists import NOBODY, Int64, Neighbours, nearest


def among(graph: Neighbours, rows_n: Int64, k: int) -> Neighbours | None:
    """Return the min(k, n - 1) nearest neighbours among `rows_n` of each of them.

    Row numbers are places in `rows_n`. None when the lists do not say: somebody has too few of its
    neighbours among those rows.
    """
    wanted = max(min(k, len(rows_n) - 1), 0)
    if graph.width < wanted:
        return None
    place_N = np.full(len(graph), NOBODY, np.int32)
    place_N[rows_n] = np.arange(len(rows_n), dtype=np.int32)
    kept = nearest(place_N[graph.rows_NK[rows_n]], graph.similarity_NK[rows_n], wanted)
    return None if (kept.rows_NK == NOBODY).any() else kept
