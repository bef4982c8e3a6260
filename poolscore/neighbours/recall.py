"""How many of the true neighbours lists hold.

Shapes: n images, K neighbours.
"""

from poolscore.neighbours.lists import Neighbours

RECALL = 0.95
"""Share of the true neighbours that an inexact search is tuned to find."""
_SAME = 1e-5
"""Similarities so close are equal but for rounding."""


def overlap(found: Neighbours, truth: Neighbours) -> float:
    """Return the share of places that hold somebody as near as the true k-th neighbour.

    That is recall@k, except that among images at the same similarity any will do.
    """
    if truth.width == 0 or len(truth) == 0:
        return 1.0
    near_nK = found.similarity_NK[:, : truth.width] >= truth.similarity_NK[:, -1:] - _SAME
    return float(near_nK.mean())
