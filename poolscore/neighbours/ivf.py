"""Approximate nearest neighbours: an inverted file compares a query with the nearest cells only.

Shapes: N images, n queries, D embedding width, K neighbours.
"""

from collections.abc import Iterable

import numpy as np

from poolscore.neighbours.device import on_gpu
from poolscore.neighbours.lists import NOBODY, Float32, Int64

TRAINED_WITH = 40
"""Images for each cell that k-means learns the cells from; FAISS warns below 39."""
_ROUNDS, _SEED = 8, 0


def cells_for(queries: int, images: int) -> int:
    """Number of cells: 4 sqrt(images), FAISS's advice, or what can be learned, or 10 sqrt(queries).

    Sorting the images into cells costs images x cells, and a search saves by more cells only as
    often as it is done.
    """
    return max(1, min(round(4 * images**0.5), images // TRAINED_WITH, round(10 * queries**0.5)))


class IvfIndex:
    """Images in cells. Holds them as float16 as they are stored, without loss: 2 N D bytes."""

    def __init__(self, sample_nD: Float32, blocks: Iterable[Float32], cells: int) -> None:
        """Learn `cells` cells from a sample and put the images of all blocks into them."""
        import faiss

        width = sample_nD.shape[1]
        self._centres = faiss.IndexFlatIP(width)
        kind, metric = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        index = faiss.IndexIVFScalarQuantizer(self._centres, width, cells, kind, metric, False)
        index.cp.niter, index.cp.seed, index.cp.spherical = _ROUNDS, _SEED, True
        index.cp.max_points_per_centroid = TRAINED_WITH
        index.train(sample_nD)
        for block_nD in blocks:
            index.add(block_nD)
        self.cells, self._index = cells, on_gpu(index)

    @property
    def probes(self) -> int:
        """Cells that a query is compared with."""
        return self._index.nprobe

    @probes.setter
    def probes(self, count: int) -> None:
        self._index.nprobe = count

    def candidates(self, queries_nD: Float32, k: int) -> tuple[Int64, Float32]:
        """Return the rows of the `k` nearest found, perhaps the query itself, and similarities.

        A row is `NOBODY` where the cells searched held fewer.
        """
        similarity_nK, rows_nK = self._index.search(queries_nD, k)
        return np.maximum(rows_nK, NOBODY), similarity_nK
