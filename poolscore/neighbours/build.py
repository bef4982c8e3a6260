"""The k-nearest-neighbour graph of a set of images: built, or grown from an earlier one.

Shapes: N images, M images of the earlier graph, K neighbours.
"""

from dataclasses import dataclass

import numpy as np

from poolscore.neighbours.features import Features
from poolscore.neighbours.lists import NOBODY, Int64, Neighbours, merge
from poolscore.neighbours.recall import overlap
from poolscore.neighbours.search import OnRows, SearchRecord, search

SAMPLE, SEED = 1000, 1
"""Rows whose exact neighbours say what recall a graph has; others than the search is tuned with."""


@dataclass(frozen=True)
class Built:
    """Neighbours of every image, and how they were found."""

    neighbours: Neighbours
    exact: bool
    recall: float
    """Measured recall@k; 1 by construction where the graph is exact."""
    sample: int
    """Images that it was measured with; 0 where the graph is exact."""
    searches: tuple[SearchRecord, ...]


def build(features: Features, k: int, on_rows: OnRows = lambda _: None) -> Built:
    """Search the min(k, N - 1) nearest others of all N >= 2 images; exact up to 50,000 images.

    `features` are L2-normalised. The same features and number of threads give the same graph.
    """
    every = np.arange(len(features))
    found, record = search(features, every, every, min(k, len(every) - 1), on_rows)
    return _measured(features, found, record.exact, (record,))


def extend(
    features: Features,
    earlier: Neighbours,
    was_exact: bool,
    earlier_row_N: Int64,
    k: int,
    on_rows: OnRows = lambda _: None,
) -> Built:
    """Grow a graph: as `build`, without comparing images again that the earlier graph compared.

    `earlier_row_N` says where an image stood in the earlier graph, with the same embedding, and is
    -1 where it did not. Images that came search all; those that were there search those that came.
    Images that are gone leave the lists, and who has lost a neighbour searches all again. Exact
    where the earlier graph was and the searches are; when more than half would search all, or the
    earlier lists are too short, everything is built anew.
    """
    total, k = len(features), min(k, len(features) - 1)
    here_M = np.full(len(earlier), NOBODY, np.int64)
    stayed_N = earlier_row_N >= 0
    here_M[earlier_row_N[stayed_N]] = np.flatnonzero(stayed_N)
    lists = _moved(earlier.first(k), here_M, earlier_row_N[stayed_N])
    all_N = ~stayed_N
    all_N[stayed_N] = (lists.rows_NK == NOBODY).any(axis=1)
    if earlier.width < k or 2 * int(all_N.sum()) > total:
        return build(features, k, on_rows)
    rows_NK, similarity_NK = np.empty((total, k), np.int32), np.empty((total, k), np.float32)
    rows_NK[stayed_N], similarity_NK[stayed_N] = lists.rows_NK, lists.similarity_NK
    searches: list[SearchRecord] = []
    rest, came, asking = np.flatnonzero(~all_N), np.flatnonzero(~stayed_N), np.flatnonzero(all_N)
    if len(came):
        kept = Neighbours(rows_NK[rest], similarity_NK[rest])
        # Only who is nearer than the last of a list gets into it: few of those that came.
        last_n = kept.similarity_NK[:, -1]
        found, record = search(features, rest, came, min(k, len(came)), on_rows, worth_q=last_n)
        merged = merge(kept, found, k)
        rows_NK[rest], similarity_NK[rest] = merged.rows_NK, merged.similarity_NK
        searches.append(record)
    if len(asking):
        found, record = search(features, asking, np.arange(total), k, on_rows)
        rows_NK[asking], similarity_NK[asking] = found.rows_NK, found.similarity_NK
        searches.append(record)
    exact = was_exact and all(record.exact for record in searches)
    return _measured(features, Neighbours(rows_NK, similarity_NK), exact, tuple(searches))


def _moved(earlier: Neighbours, here_M: Int64, rows_n: Int64) -> Neighbours:
    """Lists of these earlier rows, in today's row numbers."""
    return Neighbours(
        here_M[earlier.rows_NK[rows_n]].astype(np.int32), earlier.similarity_NK[rows_n]
    )


def _measured(
    features: Features, found: Neighbours, exact: bool, searches: tuple[SearchRecord, ...]
) -> Built:
    if exact:
        return Built(found, exact, 1.0, 0, searches)
    count = min(SAMPLE, len(found))
    every = np.arange(len(found))
    sample = np.sort(np.random.default_rng(SEED).choice(every, count, replace=False))
    truth, _ = search(features, sample, every, found.width, exact=True)
    held = Neighbours(found.rows_NK[sample], found.similarity_NK[sample])
    return Built(found, exact, overlap(held, truth), count, searches)
