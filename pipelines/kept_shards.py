"""What a new snapshot shares with the one before: its shards, less the rows that are dropped.

Shards never change: one that holds such rows is written again without them, into the folder of the
run, under a name that depends on nothing but the old one. Nobody sees it before the manifest is.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.places import RunPlaces, Store
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.manifest import Manifest, ShardEntry
from poolscore.store.read_each import read_each
from poolscore.store.shards import WRITE_OPTIONS, read_table

_ROWS = 1 << 16
"""Rows that each worker holds at a time."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Kept:
    """What stays of a snapshot."""

    shards: tuple[ShardEntry, ...]
    rejects: Counter[str]
    """By reason."""
    dropped: pa.Table
    """Columns id and content_hash of the rows that do not stay."""


_DROPPED = pa.schema([("id", pa.string()), ("content_hash", pa.string())])


def keep_shards(store: Store, places: RunPlaces, base: Manifest | None, dropped: pa.Array) -> Kept:
    """Shards of `base` without the rows with the ids `dropped`; ids of other rows are ignored.

    A shard with nothing left is not kept. Raises what `read_table` raises.
    """
    shards, rejects = (base.shards, Counter(base.rejects)) if base else ((), Counter[str]())
    if not shards or not len(dropped):
        return Kept(shards, rejects, _DROPPED.empty_table())
    _, root = store
    paths = [files.absolute(root, shard.path) for shard in shards]
    stay = _stay(store, paths, dropped)
    hit = [number for number, mask in enumerate(stay) if not mask.all()]
    kept = dict(enumerate(shards))

    def rewrite(number: int) -> tuple[ShardEntry, pa.Table]:
        name = blake2b(shards[number].path.encode(), digest_size=16).hexdigest()
        return _rewrite(store, paths[number], f"{places.kept}/{name}.parquet", stay[number])

    gone = [_DROPPED.empty_table()]
    for number, (entry, rows) in zip(hit, read_each(rewrite, hit), strict=True):
        kept[number] = entry
        rejects.subtract(rows["reject_reason"].drop_null().to_pylist())
        gone.append(rows.select(_DROPPED.names).cast(_DROPPED))
    return Kept(
        tuple(shard for shard in kept.values() if shard.rows),
        +rejects,
        pa.concat_tables(gone),
    )


def _stay(store: Store, paths: Sequence[str], dropped: pa.Array) -> list[Bools]:
    """Which rows of each shard stay."""
    ids = list(read_each(lambda path: read_table(store[0], path, ["id"])["id"], paths))
    ends = np.cumsum([0, *(len(column) for column in ids)]).tolist()
    chunks = [chunk for column in ids for chunk in column.chunks]
    # Asked once for all shards: every question makes a hash table of the ids.
    gone = pc.is_in(pa.chunked_array(chunks, pa.string()), value_set=dropped).to_numpy()
    return [~gone[start:end] for start, end in pairwise(ends)]


def _rewrite(store: Store, source: str, target: str, stay: Bools) -> tuple[ShardEntry, pa.Table]:
    filesystem, root = store
    told = read_table(filesystem, source, ["id", "content_hash", "reject_reason"])
    left = told.filter(pa.array(stay))
    if len(left):
        with (
            filesystem.open_input_file(source) as file,
            files.atomic_stream(filesystem, target) as out,
        ):
            shard = pq.ParquetFile(file)
            with pq.ParquetWriter(out, shard.schema_arrow, **WRITE_OPTIONS) as writer:
                start = 0
                for batch in shard.iter_batches(_ROWS):
                    rows = stay[start : start + len(batch)]
                    writer.write_batch(batch.filter(pa.array(rows)))
                    start += len(batch)
    embedded = left["reject_reason"].null_count
    entry = ShardEntry(
        path=files.relative(root, target),
        rows=len(left),
        embedded=embedded,
        rejected=len(left) - embedded,
    )
    return entry, told.filter(pa.array(~stay))


def count_changed(store: Store, written: Sequence[str], dropped: pa.Table) -> int:
    """How many of the rows in the shards `written` stand for dropped ones with other content."""
    if not len(dropped):
        return 0
    tables = read_each(lambda path: read_table(store[0], path, _DROPPED.names), written)
    rows = pa.concat_tables([_DROPPED.empty_table(), *(table.cast(_DROPPED) for table in tables)])
    place = pc.index_in(rows["id"], value_set=dropped["id"].combine_chunks())
    rows, place = rows.filter(pc.is_valid(place)), place.drop_null()
    before = dropped["content_hash"].take(place)
    same = pc.equal(pc.fill_null(before, ""), pc.fill_null(rows["content_hash"], ""))
    return len(rows) - (pc.sum(same).as_py() or 0)
