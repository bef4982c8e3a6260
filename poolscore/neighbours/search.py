"""Nearest neighbours of some rows among others, in bounded memory.

Shapes: N rows in all, q of them asked for, b of them searched, K neighbours.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from poolscore.neighbours.exact import ExactIndex
from poolscore.neighbours.features import BLOCK, Features, as_float32
from poolscore.neighbours.ivf import TRAINED_WITH, IvfIndex, cells_for
from poolscore.neighbours.lists import (
    NOBODY,
    Float32,
    Int64,
    Neighbours,
    empty_lists,
    merge,
)
from poolscore.neighbours.recall import RECALL, overlap

OnRows = Callable[[int], None]
"""Told how many more rows are done; may raise to stop."""

EXACT_PAIRS = 50_000**2
"""Rows asked for x rows searched that are compared one and all. Timed once, on two cores at a width
of 512: 20,000^2 take 6 s, or 11 s with an inverted file, 50,000^2 take 34 s or 40 s."""
INDEX_BYTES = 4 << 30
"""Embeddings of one index; more rows are searched in parts of at most this size, in turn."""
FEWEST_PROBES = 8
"""Cells that each query is compared with at least."""
TUNED_WITH, TUNED_PAIRS, SEED = 256, 1 << 26, 0
"""Rows whose exact neighbours say how many cells must be searched; more where that is cheap."""


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
    worth_q: Float32 | None = None,
) -> tuple[Neighbours, SearchRecord]:
    """Return the k nearest of `searched_b` for each of `asked_q`; row numbers are of `features`.

    Both are ascending. A row is not its own neighbour; a list ends with `NOBODY` where there are
    fewer than k others. `exact` None: inexact where the pairs are more than `EXACT_PAIRS`. Nobody
    less similar to a row than its `worth_q` need be found, and few cells hold the others. Holds
    `part_bytes` of embeddings, and as much again while an inverted file is tuned, the lists
    (8 q K bytes) and a few blocks.
    """
    exact = len(asked_q) * len(searched_b) <= EXACT_PAIRS if exact is None else exact
    found, records = empty_lists(len(asked_q), k), list[SearchRecord]()
    for part in _parts(features, searched_b, part_bytes // (8 if exact else 2)):
        record, index = _index(features, asked_q, part, k, exact, worth_q)
        records.append(record)
        for start in range(0, len(asked_q), BLOCK):
            rows_n = asked_q[start : start + BLOCK]
            _merge_into(found, start, _ask(index, features, rows_n, part, k))
            on_rows(len(rows_n) * len(part) // len(searched_b))
        del index  # before the next part is read
    exact = all(record.exact for record in records)
    short = np.flatnonzero((found.rows_NK == NOBODY).any(axis=1))
    if len(short) and not exact and worth_q is None:  # the cells searched held too few others
        again, _ = search(features, asked_q[short], searched_b, k, exact=True)
        found.rows_NK[short], found.similarity_NK[short] = again.rows_NK, again.similarity_NK
    return found, SearchRecord(
        len(asked_q),
        len(searched_b),
        exact,
        max(record.cells for record in records),
        max(record.probes for record in records),
    )


def _parts(features: Features, rows_b: Int64, values: int) -> list[Int64]:
    """Parts of equal size: a short last one would have too few rows for its cells."""
    step = max(values // features.take(rows_b[:1]).shape[1], BLOCK)
    return np.array_split(rows_b, -(-len(rows_b) // step))


def _index(
    features: Features,
    asked_q: Int64,
    part: Int64,
    k: int,
    exact: bool,
    worth_q: Float32 | None,
) -> tuple[SearchRecord, ExactIndex | IvfIndex]:
    if exact or len(part) <= TRAINED_WITH:
        index = ExactIndex(as_float32(features, part))
        return SearchRecord(len(asked_q), len(part), exact=True), index
    cells = cells_for(len(asked_q), len(part))
    sample = part[_draw(len(part), cells * TRAINED_WITH)]
    blocks = (
        as_float32(features, part[start : start + BLOCK]) for start in range(0, len(part), BLOCK)
    )
    index = IvfIndex(as_float32(features, sample), blocks, cells)
    _tune(index, features, asked_q, part, k, worth_q)
    return SearchRecord(len(asked_q), len(part), False, cells, index.probes), index


def _tune(
    index: IvfIndex,
    features: Features,
    asked_q: Int64,
    part: Int64,
    k: int,
    worth_q: Float32 | None,
) -> None:
    """Search as few cells, a power of two, as find `RECALL` of a sample's exact neighbours."""
    drawn = _draw(len(asked_q), max(TUNED_WITH, TUNED_PAIRS // len(part)))
    sample, worth_n = asked_q[drawn], None if worth_q is None else worth_q[drawn]
    k = min(k, len(part) - 1)
    truth, _ = search(features, sample, part, k, exact=True)
    index.probes = min(FEWEST_PROBES, index.cells)
    while True:
        found = empty_lists(len(sample), k)
        _merge_into(found, 0, _ask(index, features, sample, part, k))
        if overlap(found, truth, worth_n) >= RECALL or index.probes == index.cells:
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


def _draw(total: int, count: int) -> Int64:
    """At most `count` of so many numbers, ascending, the same every time."""
    if count >= total:
        return np.arange(total)
    return np.sort(np.random.default_rng(SEED).choice(total, count, replace=False))
