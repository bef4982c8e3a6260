"""What differs between two rankings of one snapshot.

Shapes: n items that both rankings hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.store.arrow import compute as pc
from poolscore.store.ranking_file import RankedRows
from poolscore.store.records import RankedItem

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RankingDiff:
    """Counts over all items, and the largest changes."""

    changes: Sequence[tuple[RankedItem, RankedItem]]
    """Rows of the same item before and after: those with another predicted class first, and of
    these the largest moves first."""
    common: int
    """Items of both rankings."""
    only_before: int
    only_after: int
    class_changes: int
    """Items of both with another predicted class."""
    rank_correlation: float
    """Spearman's, of the orders of the common items; nan for fewer than two."""


def ranking_diff(
    before: RankedRows,
    after: RankedRows,
    limit: int,
    classes: tuple[Sequence[str], Sequence[str]],
) -> RankingDiff:
    """Compare two rankings; a million rows take about a second.

    `classes` are the names of what they predict: two prompt versions may have been made for other
    classes, so that predictions are compared by name. Items that changed neither class nor place
    among the common items are no changes.
    """
    found = pc.index_in(before.table.column("id"), value_set=after.table.column("id"))
    places = found.to_numpy()
    rank_before_n = np.flatnonzero(~np.isnan(places))
    rank_after_n = places[rank_before_n].astype(np.int64)
    class_before_n, class_after_n = (
        rows.table.column("predicted").to_numpy()[ranks]
        for rows, ranks in ((before, rank_before_n), (after, rank_after_n))
    )
    changed_n = class_before_n != _renumbered(*classes)[class_after_n]
    # Answers take items away; what only moves up for that has not moved.
    order_n = np.argsort(np.argsort(rank_after_n))
    move_n = np.abs(order_n - np.arange(len(order_n)))
    largest = np.lexsort((rank_before_n, -move_n, ~changed_n))[:limit]
    largest = largest[changed_n[largest] | (move_n[largest] > 0)]
    pairs = zip(
        before.items(rank_before_n[largest].tolist()),
        after.items(rank_after_n[largest].tolist()),
        strict=True,
    )
    return RankingDiff(
        changes=tuple(pairs),
        common=len(order_n),
        only_before=len(before) - len(order_n),
        only_after=len(after) - len(order_n),
        class_changes=int(changed_n.sum()),
        rank_correlation=spearman(order_n),
    )


def _renumbered(before: Sequence[str], after: Sequence[str]) -> Int64:
    """For every class of `after` its index in `before`; -1 where it is not there."""
    index = {name: number for number, name in enumerate(before)}
    return np.array([index.get(name, -1) for name in after], np.int64)


def spearman(order_n: Int64) -> float:
    """Correlation of a permutation of 0..n-1 with 0..n-1; nan for n < 2."""
    count = len(order_n)
    if count < 2:
        return float("nan")
    apart_n = (order_n - np.arange(count)).astype(np.float64)
    return float(1.0 - 6.0 * (apart_n @ apart_n) / (count * (count**2 - 1.0)))
