"""The pool in the order of its ids, for algorithms whose result depends on an order."""

from dataclasses import replace

import numpy as np

from poolscore.acquisition.base import Int64, PoolView
from poolscore.neighbours.lists import Neighbours


def in_id_order(view: PoolView) -> tuple[PoolView, Int64]:
    """Return the view with its rows sorted by id, and for each new row its old number.

    Even the rounding of a matrix product may depend on where a row stands, so this is what makes
    a choice the same bytes whatever the order of the shards.
    """
    if len(view.ids) < 2 or bool(np.all(view.ids[:-1] < view.ids[1:])):
        return view, np.arange(len(view.ids))
    order = np.argsort(view.ids, kind="stable")
    return take_rows(view, order), order


def take_rows(view: PoolView, order: Int64) -> PoolView:
    """Return the view with its rows permuted: new row i is old row `order[i]`."""
    neighbours = view.neighbours
    if neighbours is not None:
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        neighbours = Neighbours(place[neighbours.rows_NK[order]], neighbours.similarity_NK[order])
    return replace(
        view,
        ids=view.ids[order],
        scores=view.scores.take(order),
        probabilities_NC=None if view.probabilities_NC is None else view.probabilities_NC[order],
        features_ND=None if view.features_ND is None else view.features_ND[order],
        neighbours=neighbours,
    )
