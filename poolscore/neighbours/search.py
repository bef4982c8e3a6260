"""Nearest neighbours of some rows among others, in bounded memory.

Shapes: N rows in all, q of them asked for, b of them searched, K neighbours.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np

from poolscore.neighbours.exact import ExactIndex
from poolscore.neighbours.features import Features, as_float32
from poolscore.neighbours.ivf import TRAINED_WITH, IvfIndex, cells_for
from poolscore.neighbours.lists import NOBODY, Int64, Neighbours, empty_lists, merge
from poolscore.neighbours.recall import RECALL, overlap

OnRows = Callable[[int], None]
"""Told how many more rows are done; may raise to stop."""

EXACT_PAIRS = 50_000**2
"""Rows asked for x rows searched that are compared one and all. On two cores at a width of 512 that
is 34 s, and an inverted file tuned to find `RECALL` of them takes 40 s; at 200,000^2 it takes a
fifteenth of the time (`bench/cases/neighbours.py`)."""
INDEX_BYTES = 4 << 30
"""Embeddings in memory at most; more rows are searched in parts of this size, one after another."""
BLOCK = 8192
"""Rows that are asked for, or put into cells, at a time."""
FEWEST_PROBES = 8
"""Cells that each query is compared with at least."""
TUNED_WITH, SEED = 256, 0
"""Rows whose exact neighbours say how many cells must be searched."""


@dataclass(frozen=True)
class SearchRecord:
    """How one search was done; kept with the graph."""

    queries: int
    images: int
    exact: bool
    cells: int = 0
    probes: int = 0
    """Cells that each query was compared with; the largest where there were several parts."""

    def as_json(self) -> dict[str, int | bool]:
        """Plain values."""
        return asdict(self)


def search(
    features: Features,
    asked_q: Int64,
    searched_b: Int64,
    k: int,
    on_rows: OnRows = lambda _: None,
    *,
    exact: bool | None = None,
    part_bytes: int = INDEX_BYTES,
) -> tuple[Neighbours, SearchRecord]:
    """Return the k nearest of `searched_b` for each of `asked_q`; row numbers are of `features`.

    Both are ascending. A row is not its own neighbour; there must be k others. `exact` None:
    inexact where the pairs are more than `EXACT_PAIRS`. Holds `part_bytes` of embeddings, the lists
    (8 q K bytes) and a few blocks.
    """
    exact = len(asked_q) * len(searched_b) <= EXACT_PAIRS if exact is None else exact
    found, records = empty_lists(len(asked_q), k), list[SearchRecord]()
    for part in _parts(features, searched_b, part_bytes // (8 if exact else 2)):
        record, index = _index(features, len(asked_q), part, k, exact)
        records.append(record)
        for start in range(0, len(asked_q), BLOCK):
            rows_n = asked_q[start : start + BLOCK]
            _merge_into(found, start, _ask(index, features, rows_n, part, k))
            on_rows(len(rows_n) * len(part) // len(searched_b))
    short = np.flatnonzero((found.rows_NK == NOBODY).any(axis=1))
    if len(short):  # the cells searched held too few others
        again, _ = search(features, asked_q[short], searched_b, k, exact=True)
        found.rows_NK[short], found.similarity_NK[short] = again.rows_NK, again.similarity_NK
    return found, SearchRecord(
        len(asked_q),
        len(searched_b),
        exact,
        max(record.cells for record in records),
        max(record.probes for record in records),
    )


def _parts(features: Features, rows_b: Int64, values: int) -> Iterator[Int64]:
    width = features.take(rows_b[:1]).shape[1]
    step = max(values // width, BLOCK)
    for start in range(0, len(rows_b), step):
        yield rows_b[start : start + step]


def _index(
    features: Features, queries: int, part: Int64, k: int, exact: bool
) -> tuple[SearchRecord, ExactIndex | IvfIndex]:
    if exact:
        index = ExactIndex(as_float32(features, part))
        return SearchRecord(queries, len(part), exact), index
    cells = cells_for(queries, len(part))
    sample = _draw(part, cells * TRAINED_WITH)
    blocks = (
        as_float32(features, part[start : start + BLOCK]) for start in range(0, len(part), BLOCK)
    )
    index = IvfIndex(as_float32(features, sample), blocks, cells)
    _tune(index, features, part, k)
    return SearchRecord(queries, len(part), exact, cells, index.probes), index


def _tune(index: IvfIndex, features: Features, part: Int64, k: int) -> None:
    """Search as few cells, a power of two, as find `RECALL` of a sample's exact neighbours."""
    sample = _draw(part, TUNED_WITH)
    truth, _ = search(features, sample, part, k, exact=True)
    index.probes = min(FEWEST_PROBES, index.cells)
    while True:
        found = empty_lists(len(sample), k)
        _merge_into(found, 0, _ask(index, features, sample, part, k))
        if overlap(found, truth) >= RECALL or index.probes == index.cells:
            return
        index.probes = min(2 * index.probes, index.cells)


def _ask(
    index: ExactIndex | IvfIndex, features: Features, rows_n: Int64, part: Int64, k: int
) -> Neighbours:
    """The nearest of a part, in rows of the whole and in no order, without the row itself."""
    found_nM, similarity_nM = index.candidates(as_float32(features, rows_n), k + 1)
    rows_nM = np.where(found_nM == NOBODY, NOBODY, part[found_nM])
    rows_nM[rows_nM == rows_n[:, None]] = NOBODY
    return Neighbours(rows_nM.astype(np.int32), similarity_nM)


def _merge_into(found: Neighbours, start: int, near: Neighbours) -> None:
    place = slice(start, start + len(near))
    here = Neighbours(found.rows_NK[place], found.similarity_NK[place])
    both = merge(here, near, found.width)
    found.rows_NK[place], found.similarity_NK[place] = both.rows_NK, both.similarity_NK


def _draw(rows_b: Int64, count: int) -> Int64:
    """At most `count` of these rows, ascending, the same every time."""
    if count >= len(rows_b):
        return rows_b
    return np.sort(np.random.default_rng(SEED).choice(rows_b, count, replace=False))
