"""Lists of nearest neighbours: sorted, cut and merged.

Shapes: N images, K neighbours, M candidates.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

NOBODY = -1
"""The row in a place of a list that has no neighbour yet."""


@dataclass(frozen=True)
class Neighbours:
    """The most similar other images, nearest first, ties by row; an image is never its own."""

    rows_NK: Int32
    """Row numbers."""
    similarity_NK: Float32
    """Cosine of the cached embeddings."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.rows_NK)

    @property
    def width(self) -> int:
        """K."""
        return self.rows_NK.shape[1]

    def first(self, count: int) -> "Neighbours":
        """The nearest `count` of each list."""
        return Neighbours(self.rows_NK[:, :count], self.similarity_NK[:, :count])


def empty_lists(count: int, k: int) -> Neighbours:
    """Return `count` lists of `k` places with nobody in them."""
    rows_NK = np.full((count, k), NOBODY, np.int32)
    return Neighbours(rows_NK, np.full((count, k), -np.inf, np.float32))


def nearest(rows_NM: npt.NDArray[np.integer], similarity_NM: Float32, k: int) -> Neighbours:
    """Return the `k` best of M >= k candidates; places with `NOBODY` come last.

    A candidate must not stand twice in a list.
    """
    similarity_NM = np.where(rows_NM == NOBODY, np.float32(-np.inf), similarity_NM)
    order_NK = np.lexsort((rows_NM, -similarity_NM), axis=-1)[:, :k]
    return Neighbours(
        np.take_along_axis(rows_NM, order_NK, 1).astype(np.int32),
        np.take_along_axis(similarity_NM, order_NK, 1),
    )


def merge(one: Neighbours, other: Neighbours, k: int) -> Neighbours:
    """Return the `k` best of both; nobody but `NOBODY` may stand in both lists of an image."""
    return nearest(
        np.concatenate([one.rows_NK, other.rows_NK], axis=1),
        np.concatenate([one.similarity_NK, other.similarity_NK], axis=1),
        k,
    )
