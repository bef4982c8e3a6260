"""Exact nearest neighbours: every pair is compared, so cost grows with queries x images.

Shapes: N images, n queries, D embedding width, K neighbours.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from poolscore.neighbours.device import on_gpu
from poolscore.neighbours.limits import NEIGHBOURS
from poolscore.neighbours.lists import (
    NOBODY,
    Float32,
    Int64,
    Neighbours,
    empty_lists,
    nearest,
)

SPARE = 8
"""Candidates beyond those that were asked for, so that ties at the end of a list go by row."""


class ExactIndex:
    """Images that queries are compared with, held as float32: 4 N D bytes."""

    def __init__(self, images_ND: Float32) -> None:
        """Hold these images."""
        import faiss  # half a second that callers without a graph can spare

        self._flat: Any = faiss.IndexFlatIP(images_ND.shape[1])
        self._flat.add(images_ND)
        self._index = on_gpu(self._flat)

    def candidates(self, queries_nD: Float32, k: int) -> tuple[Int64, Float32]:
        """Return the rows, in no order, of min(k + `SPARE`, N) images among which the k nearest of
        each query are, and their similarities; the query is among them if it is an image.

        Of more than `SPARE` images at the very same similarity at the end of a list it depends on
        FAISS which are in it; they are the same ones every time.
        """
        import faiss

        count = min(k + SPARE, self._flat.ntotal)
        _, rows_nM = self._index.search(queries_nD, count)
        # A matrix product rounds by where a row stands in it; this does not, so that lists are
        # the same whichever images were searched together.
        similarity_nM = np.empty(rows_nM.shape, np.float32)
        places = [faiss.swig_ptr(each) for each in (similarity_nM, rows_nM)]
        self._flat.compute_distance_subset(
            len(queries_nD), faiss.swig_ptr(queries_nD), count, *places
        )
        return rows_nM, similarity_nM


def nearest_neighbours(
    features_ND: npt.NDArray[np.floating], count: int = NEIGHBOURS
) -> Neighbours:
    """Return the min(count, N - 1) most similar other rows of each row, in memory.

    `features_ND` are L2-normalised. A duplicate of an image is its neighbour, the image itself
    is not.
    """
    total = len(features_ND)
    wanted = max(min(count, total - 1), 0)
    if wanted == 0:
        return empty_lists(total, 0)
    features = np.ascontiguousarray(features_ND, np.float32)
    rows_NM, similarity_NM = ExactIndex(features).candidates(features, wanted + 1)
    rows_NM[rows_NM == np.arange(total)[:, None]] = NOBODY
    return nearest(rows_NM, similarity_NM, wanted)
