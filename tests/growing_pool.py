"""A pool on disk that grows by a shard at a time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pyarrow import fs

from pipelines.places import RunPlaces
from poolscore.store.files import relative
from poolscore.store.manifest import ShardEntry, commit_manifest
from poolscore.store.records import Snapshot
from poolscore.store.snapshots import add_snapshot
from tests.shards_world import DIGEST, embeddings, manifest_with, open_world, write_shard

ROWS = 10


class GrowingPool:
    """Snapshots of the pool `p`: each has a shard more than the one before."""

    def __init__(self, folder: Path) -> None:
        self.catalog, self.store, self.pool = open_world(folder)
        self.root = self.store[1]
        self._entries: list[ShardEntry] = []
        self.vectors: dict[str, np.ndarray] = {}

    def grow(self, hashes: Sequence[bytes | None] | None = None) -> Snapshot:
        number = len(self._entries) + 1
        places = RunPlaces.of((fs.LocalFileSystem(), self.root), "p", number)
        ids = [f"{number}-{row}" for row in range(ROWS)]
        vectors = embeddings(ROWS, seed=number)
        self.vectors |= dict(zip(ids, vectors, strict=True))
        path = write_shard(places, f"s{number}", ids, vectors=vectors, hashes=hashes)
        entry = ShardEntry(
            path=relative(self.root, str(path)), rows=ROWS, embedded=ROWS, rejected=0
        )
        self._entries.append(entry)
        return self.commit(number)

    def forget(self, number: int) -> Snapshot:
        """A snapshot without the shard that came as number `number`."""
        del self._entries[number - 1]
        return self.commit(99)

    def commit(self, number: int) -> Snapshot:
        """Register what is there as the snapshot of run `number`."""
        manifest = manifest_with(self._entries, number)
        uri, sha256 = commit_manifest(fs.LocalFileSystem(), self.root, manifest)
        return add_snapshot(self.catalog, "p", uri, sha256, manifest.embedded, 0, DIGEST)
