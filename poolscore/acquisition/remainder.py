"""What follows when a choice has fewer rows than were asked for: the rest, by entropy."""

import numpy as np

from poolscore.acquisition.base import Choice, Int64, PoolView
from poolscore.acquisition.ordering import ascending, lowest_with_ties


def complete(view: PoolView, choice: Choice, size: int) -> Choice:
    """Append unchosen rows of the highest entropy, ties by id, until there are min(size, N).

    Their utilities are entropies in nats and say nothing beside those of the chosen rows.
    """
    rows = highest_entropy(view, choice.rows, size - len(choice.rows))
    if not len(rows):
        return choice
    entropy = view.scores.entropy[rows].astype(np.float64)
    reasons = [
        f"after the {len(choice.rows):,} chosen as a batch, by entropy: {h:.2f} nats"
        for h in entropy.tolist()
    ]
    keep = choice.keep_prediction
    return Choice(
        rows=np.concatenate([choice.rows, rows]),
        utilities=np.concatenate([choice.utilities, entropy]),
        reasons=[*choice.reasons, *reasons],
        keep_prediction=None if keep is None else np.append(keep, np.zeros(len(rows), np.bool_)),
    )


def highest_entropy(view: PoolView, taken: Int64, count: int) -> Int64:
    """Rows that are not `taken`, at most `count`, by entropy and then by id."""
    free = np.ones(len(view.ids), np.bool_)
    free[taken] = False
    rows = np.flatnonzero(free)
    key = -view.scores.entropy
    return ascending(rows[lowest_with_ties(key[rows], count)], key, view.ids)[: max(count, 0)]
