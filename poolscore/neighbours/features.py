"""Embeddings as the graph reads them: a block at a time, from wherever they are."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from poolscore.neighbours.lists import Float32, Int64

BLOCK = 8192
"""Embeddings that are read, searched for or put into an index at a time."""


class Features(Protocol):
    """N L2-normalised embeddings, D wide."""

    def __len__(self) -> int:
        """N."""
        ...

    def take(self, rows: Int64) -> npt.NDArray[np.floating]:
        """Return these rows, (len(rows), D), in this order; consecutive rows are cheap."""
        ...


@dataclass(frozen=True)
class HeldFeatures:
    """Embeddings in memory, float16 or float32."""

    features_ND: npt.NDArray[np.floating]

    def __len__(self) -> int:
        """N."""
        return len(self.features_ND)

    def take(self, rows: Int64) -> npt.NDArray[np.floating]:
        """Return these rows."""
        return self.features_ND[rows]


def as_float32(features: Features, rows: Int64) -> Float32:
    """Return these rows as FAISS wants them; read in blocks, which is cheap where rows ascend."""
    parts = [features.take(rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK)]
    out = np.empty((len(rows), parts[0].shape[1]), np.float32)
    return np.concatenate(parts, out=out, casting="same_kind")
