"""How many of the true neighbours lists hold.

Shapes: n images, K neighbours.
"""

import numpy as np

from poolscore.neighbours.lists import Float32, Neighbours

RECALL = 0.95
"""Share of the true neighbours that an inexact search is tuned to find."""
_SAME = 1e-5
"""Similarities so close are equal but for rounding."""


def overlap(found: Neighbours, truth: Neighbours, worth_n: Float32 | None = None) -> float:
    """Return the share of the true neighbours for whom somebody as near was found.

    That is recall@k, except that among images at the same similarity any will do. Neighbours less
    similar than `worth_n` do not count.
    """
    if truth.width == 0 or len(truth) == 0:
        return 1.0
    least_n1 = truth.similarity_NK[:, -1:]
    if worth_n is not None:
        least_n1 = np.maximum(least_n1, worth_n[:, None])
    least_n1 = least_n1 - _SAME
    there = int((truth.similarity_NK >= least_n1).sum())
    seen = int((found.similarity_NK[:, : truth.width] >= least_n1).sum())
    return seen / there if there else 1.0
