"""Committed shards that share ids, which a resume would never get rid of.

A worker of a killed attempt may commit a shard after the next attempt has read the checkpoint. When
that attempt is killed as well, some of the shard's ids are in shards of its own and the others are
not embedded again: neither of the two can be left out.
"""

from collections import Counter
from pathlib import PurePosixPath

import pyarrow.parquet as pq

from pipelines.places import RunPlaces


def uncommit_overlaps(places: RunPlaces) -> list[str]:
    """Take back the commit of shards until no id is in two; returns their names.

    The next attempt embeds again what only they had. Shards of which less is lost go first.
    """
    names = places.committed()
    ids = {name: _ids(places, name) for name in names}
    count = Counter(each for column in ids.values() for each in column)
    removed: list[str] = []
    for name in sorted(names, key=lambda name: sum(count[each] == 1 for each in ids[name])):
        if any(count[each] > 1 for each in ids[name]):
            count.subtract(ids[name])
            removed.append(name)
            # The checkpoint first: a shard without one does not count.
            places.filesystem.delete_file(_checkpoint(places, name))
            for path in places.shards_of([name]):
                places.filesystem.delete_file(path)
    return removed


def _checkpoint(places: RunPlaces, name: str) -> str:
    return str(PurePosixPath(places.checkpoint) / f"{name}.parquet")


def _ids(places: RunPlaces, name: str) -> list[str]:
    table = pq.read_table(_checkpoint(places, name), columns=["id"], filesystem=places.filesystem)
    return table["id"].to_pylist()
