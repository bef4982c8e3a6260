"""Ranking files: the rows of a ranking as Parquet, the same bytes for the same rows."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from poolscore.errors import FailedPreconditionError
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.lease_positions import Focus, LeasePositions
from poolscore.store.records import Prediction, RankedItem, Ranking

if TYPE_CHECKING:
    from poolscore.scoring.types import Scores  # with torch, which a reader of rankings can spare

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("utility", pa.float64(), nullable=False),
        pa.field("reason", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("predicted", pa.int32(), nullable=False),
        pa.field("probability", pa.float32(), nullable=False),
        pa.field("margin", pa.float32(), nullable=False),
        pa.field("entropy", pa.float32(), nullable=False),
        pa.field("p_clean", pa.float32(), nullable=False),
    ]
)
"""Rows in rank order: row i is rank i."""


# Everything that could change the bytes is pinned.
_WRITE_OPTIONS: dict[str, Any] = {
    "row_group_size": 1 << 20,
    "version": "2.6",
    "data_page_version": "1.0",
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": ["reason"],
    "write_statistics": False,
    "store_schema": True,
}


def ranking_table(
    ids: pa.Array,
    uris: pa.Array,
    utilities: npt.NDArray[np.float64],
    reasons: Sequence[str],
    scores: "Scores",
) -> pa.Table:
    """Table of a ranking from columns in rank order, all of one length; numbers are finite."""
    if not np.isfinite(utilities).all():
        raise ValueError("a utility is not finite")
    columns = [
        ids,
        uris,
        pa.array(utilities, pa.float64()),
        pa.array(reasons, pa.string()).dictionary_encode(),
        pa.array(scores.predicted, pa.int32()),
        pa.array(scores.probability, pa.float32()),
        pa.array(scores.margin, pa.float32()),
        pa.array(scores.entropy, pa.float32()),
        pa.array(scores.p_clean, pa.float32()),
    ]
    return pa.table(columns, schema=SCHEMA)


def write_ranking(filesystem: fs.FileSystem, folder: str, table: pa.Table) -> tuple[str, str]:
    """Write a ranking as `{folder}/{sha256}.parquet`; returns the path and the sha256.

    The same rows give the same bytes; another release of pyarrow may give others.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(table.combine_chunks(), sink, **_WRITE_OPTIONS)
    data = sink.getvalue().to_pybytes()
    sha256 = hashlib.sha256(data).hexdigest()
    path = f"{folder}/{sha256}.parquet"
    files.write_once(filesystem, path, data)
    return path, sha256


@dataclass(frozen=True)
class RankedRows:
    """Rows of a ranking in memory, as Arrow columns."""

    table: pa.Table

    def __len__(self) -> int:
        """Number of rows."""
        return self.table.num_rows

    def ids(self, start: int, stop: int) -> list[str]:
        """Item ids of a range of ranks; short at the end."""
        return self.table.column("id").slice(start, max(stop - start, 0)).to_pylist()

    def ranks_from(self, start: int, focus: Focus = frozenset()) -> Sequence[int]:
        """Ranks from `start` on, ascending, of the items that the focus lets through."""
        if not focus:
            return range(start, len(self))
        predicted = self.table.column("predicted").slice(start).to_numpy()
        return (start + np.flatnonzero(np.isin(predicted, list(focus)))).tolist()

    def ids_at(self, ranks: Sequence[int]) -> list[str]:
        """Item ids at these ranks."""
        if isinstance(ranks, range):
            return self.ids(ranks.start, ranks.stop)
        return self.table.column("id").take(pa.array(ranks, pa.int64())).to_pylist()

    def rank_of(self, item_id: str) -> int | None:
        """Rank of an item, None when it has none."""
        found: int = pc.index(self.table.column("id"), item_id).as_py()
        return None if found < 0 else found

    def items(self, ranks: Sequence[int]) -> list[RankedItem]:
        """The rows at these ranks."""
        rows = self.table.take(pa.array(ranks, pa.int64())).to_pylist()
        return [_item(rank, row) for rank, row in zip(ranks, rows, strict=True)]


@dataclass(frozen=True)
class LoadedRanking(RankedRows):
    """A registered ranking with its rows."""

    record: Ranking
    positions: LeasePositions = field(default_factory=LeasePositions, compare=False)


def read_ranking(filesystem: fs.FileSystem, root: str, ranking: Ranking) -> LoadedRanking:
    """Load the rows of a ranking and check that they are what it was registered with.

    Raises NotFoundError FILE_NOT_FOUND, FailedPreconditionError RANKING_CORRUPT.
    """
    path = files.absolute(root, ranking.uri)
    data = files.read_buffer(filesystem, path)
    if hashlib.sha256(data).hexdigest() != ranking.sha256:
        raise FailedPreconditionError(
            f"ranking file '{path}' is not what was registered: its sha256 is not "
            f"{ranking.sha256}; restore the file or score the pool again",
            reason="RANKING_CORRUPT",
        )
    table = pq.read_table(pa.BufferReader(data), schema=SCHEMA)
    return LoadedRanking(table.combine_chunks(), ranking)


def _item(rank: int, row: dict[str, Any]) -> RankedItem:
    names = ("predicted", "probability", "margin", "entropy", "p_clean")
    return RankedItem(
        item_id=row["id"],
        uri=row["uri"],
        rank=rank,
        utility=row["utility"],
        reason=row["reason"],
        prediction=Prediction(*(row[name] for name in names)),
    )
