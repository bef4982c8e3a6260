"""Exact nearest neighbours by cosine. Cost grows with the square of N.

Shapes: N images, D embedding width, K neighbours.
"""

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Neighbours

NEIGHBOURS = 20
"""Neighbours of each image in a view; a strategy that wants fewer takes the nearest."""


def nearest_neighbours(
    features_ND: npt.NDArray[np.floating], count: int = NEIGHBOURS
) -> Neighbours:
    """Return the min(count, N - 1) most similar other rows of each row, nearest first.

    `features_ND` are L2-normalised. A duplicate of an image is its neighbour, the image itself
    is not.
    """
    import faiss  # half a second that callers without a graph can spare

    total, width = features_ND.shape
    wanted = max(min(count, total - 1), 0)
    if wanted == 0:
        return Neighbours(np.empty((total, 0), np.int64), np.empty((total, 0), np.float32))
    features = np.ascontiguousarray(features_ND, np.float32)
    index = faiss.IndexFlatIP(width)
    index.add(features)
    similarity, rows = index.search(features, wanted + 1)
    # Among duplicates an image need not find itself first, or at all: then the last one goes.
    drop = rows == np.arange(total)[:, None]
    drop[~drop.any(axis=1), -1] = True
    return Neighbours(rows[~drop].reshape(total, wanted), similarity[~drop].reshape(total, wanted))
