"""A ranking of many images out of a strategy that may only know how to choose a batch."""

from dataclasses import replace

import numpy as np

from poolscore.acquisition.base import Choice, Strategy
from poolscore.acquisition.build_view import ViewParts
from poolscore.acquisition.choose import choose
from poolscore.acquisition.remainder import complete


def rank_all(
    strategy: Strategy, parts: ViewParts, size: int, block: int, rng: np.random.Generator
) -> Choice:
    """Return min(size, N) rows to ask for, the strategy's first.

    A strategy that orders the pool ranks as much of it as it looks at. A batchwise one chooses the
    first `block`. The rest follows by entropy. Rows whose prediction is to be kept are not to be
    asked: they are left out of the block and come after everything else.
    """
    choice = choose(strategy, parts, min(block, size) if strategy.batchwise else size, rng)
    keep = choice.keep_prediction
    if keep is None or not keep.any():
        return replace(complete(parts.whole, choice, size), keep_prediction=None)
    ordered = complete(parts.whole, choice, size + int(keep.sum()))
    late = np.flatnonzero(keep)
    asked = np.setdiff1d(np.arange(len(ordered.rows)), late)
    places: list[int] = np.append(asked, late)[:size].tolist()
    reasons = [ordered.reasons[place] for place in places]
    return Choice(ordered.rows[places], ordered.utilities[places], reasons)
