"""Committed shards that share ids, which a resume would never get rid of.

A worker of a killed attempt may commit a shard after the next attempt has read the checkpoint. When
that attempt is killed as well, some of the shard's ids are in shards of its own and the others are
not embedded again: neither of the two can be left out.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.places import RunPlaces
from poolscore.store.arrow import compute as pc


def uncommit_overlaps(places: RunPlaces) -> list[str]:
    """Take back the commit of shards until no id is in two; returns their names.

    The next execution embeds again what only they had. Shards of which less is lost go first.
    """
    ids = {name: _ids(places, name) for name in places.committed()}
    count = repeated(ids)
    if not count:
        return []
    shared = {
        name: [each for each in column.to_pylist() if each in count] for name, column in ids.items()
    }
    removed: list[str] = []
    for name in sorted(ids, key=lambda name: len(ids[name]) - len(shared[name])):
        if any(count[each] > 1 for each in shared[name]):
            count.subtract(shared[name])
            removed.append(name)
            # The checkpoint first: a shard without one does not count.
            places.filesystem.delete_file(_checkpoint(places, name))
            for path in places.shards_of([name]):
                places.filesystem.delete_file(path)
    return removed


def repeated(ids: Mapping[str, pa.ChunkedArray]) -> Counter[str]:
    """How often the ids occur that occur more than once."""
    chunks = [chunk for column in ids.values() for chunk in column.chunks]
    counts = pc.value_counts(pa.chunked_array(chunks, pa.string()))
    often = counts.filter(pc.greater(counts.field("counts"), 1))
    return Counter({row["values"]: row["counts"] for row in often.to_pylist()})


def _checkpoint(places: RunPlaces, name: str) -> str:
    return str(PurePosixPath(places.checkpoint) / f"{name}.parquet")


def _ids(places: RunPlaces, name: str) -> pa.ChunkedArray:
    path = _checkpoint(places, name)
    return pq.read_table(path, columns=["id"], filesystem=places.filesystem)["id"]
