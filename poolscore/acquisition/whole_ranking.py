"""A ranking of many images out of a strategy that may only know how to choose a batch."""

from dataclasses import replace

import numpy as np

from poolscore.acquisition.base import Choice, PoolView, Strategy
from poolscore.acquisition.remainder import complete


def rank_all(
    strategy: Strategy, view: PoolView, size: int, block: int, rng: np.random.Generator
) -> Choice:
    """Return min(size, N) rows to ask for, the strategy's first.

    A strategy that orders the pool ranks all of it. A batchwise one chooses the first `block`, and
    the rest follows by entropy. Rows whose prediction is to be kept are not to be asked: they
    are left out of the block and come after everything else.
    """
    if not strategy.batchwise:
        return strategy.query(view, size, rng)
    choice = strategy.query(view, min(block, size), rng)
    keep = choice.keep_prediction
    if keep is None or not keep.any():
        return replace(complete(view, choice, size), keep_prediction=None)
    ordered = complete(view, choice, len(view.ids))
    late = np.flatnonzero(keep)
    asked = np.setdiff1d(np.arange(len(ordered.rows)), late)
    places: list[int] = np.append(asked, late)[:size].tolist()
    reasons = [ordered.reasons[place] for place in places]
    return Choice(ordered.rows[places], ordered.utilities[places], reasons)
