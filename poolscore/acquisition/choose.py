"""Let a strategy choose from a pool of any size."""

from dataclasses import replace

import numpy as np

from poolscore.acquisition.base import Choice, Strategy
from poolscore.acquisition.build_view import ViewParts, build_view
from poolscore.acquisition.sample import sample


def choose(
    strategy: Strategy, parts: ViewParts, batch_size: int, rng: np.random.Generator
) -> Choice:
    """Return what the strategy chooses from the pool, or from a sample where that is too large.

    The sample holds `strategy.most` images, or `batch_size` if those are more, so memory and time
    are bounded however large the pool is; a choice may then have fewer rows than the pool.
    """
    most = len(parts.ids_N) if strategy.most is None else max(strategy.most, batch_size)
    if len(parts.ids_N) <= most:
        return strategy.query(build_view(parts, strategy.needs), batch_size, rng)
    rows = sample(parts.ids_N, most, int(rng.integers(2**63)))
    choice = strategy.query(build_view(parts, strategy.needs, rows), batch_size, rng)
    return replace(choice, rows=rows[choice.rows])
