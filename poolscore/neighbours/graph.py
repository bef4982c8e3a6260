"""The graph as it is kept: who an image is, whom it is near, which photographs are the same.

Shapes: N images, K neighbours.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from poolscore.neighbours.lists import Int32, Int64, Neighbours
from poolscore.store.arrow import compute as pc


@dataclass(frozen=True)
class Graph:
    """Row i of every field is the same image; the order is that of the snapshot's manifest."""

    ids: pa.Array
    """Item ids, N strings."""
    fingerprint_N: npt.NDArray[np.uint64]
    """Hash of the embedding, so that an item whose image was replaced counts as another."""
    neighbours: Neighbours
    group_N: Int32
    """Lowest row of the group of near-duplicates, -1: in none."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    def rows_of(self, ids: pa.Array, fingerprint_n: npt.NDArray[np.uint64]) -> Int64:
        """Row of each of these images here; -1: it is not here, or with another embedding."""
        rows_n = places_of(ids, self.ids)
        same = self.fingerprint_N[np.maximum(rows_n, 0)] == fingerprint_n
        return np.where((rows_n >= 0) & same, rows_n, -1)


def places_of(wanted: pa.Array, ids: pa.Array) -> Int64:
    """Row of each wanted id among `ids`, -1 where it is not there."""
    if wanted.equals(ids):
        return np.arange(len(ids))
    return pc.fill_null(pc.index_in(wanted, value_set=ids), -1).to_numpy().astype(np.int64)
