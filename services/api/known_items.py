"""Which item ids a pool holds, for answers to items that were never leased."""

import threading
from collections.abc import Sequence

import pyarrow as pa

from poolscore.store import pools, snapshots
from poolscore.store.arrow import compute
from poolscore.store.catalog import Catalog
from poolscore.store.files import absolute, open_store
from poolscore.store.manifest import load_manifest
from poolscore.store.shards import read_table


class KnownItems:
    """Ids of the embedded items of the pool that was asked about last, read from its shards."""

    def __init__(self, catalog: Catalog, store_uri: str) -> None:
        """Read from the file store at `store_uri`."""
        self._catalog = catalog
        self._files, self._root = open_store(store_uri)
        self._lock = threading.Lock()
        self._key: tuple[str, int] | None = None
        self._ids: pa.ChunkedArray = pa.chunked_array([], pa.string())

    def known(self, pool_id: str, item_ids: Sequence[str]) -> list[bool]:
        """Say for each id whether the active snapshot has an embedding of it."""
        snapshot = pools.get_active(self._catalog, pool_id).snapshot
        if snapshot is None:
            return [False] * len(item_ids)
        ids = self._load(pool_id, snapshot)
        wanted = pa.array(item_ids, pa.string())
        found = ids.filter(compute.is_in(ids, value_set=wanted))
        return compute.is_in(wanted, value_set=found.combine_chunks()).to_pylist()

    def _load(self, pool_id: str, number: int) -> pa.ChunkedArray:
        with self._lock:
            if self._key != (pool_id, number):
                record = snapshots.get_snapshot(self._catalog, pool_id, number)
                manifest = load_manifest(
                    self._files, self._root, record.manifest_uri, record.manifest_sha256
                )
                self._ids = pa.chunked_array(
                    [chunk for shard in manifest.shards for chunk in self._embedded(shard.path)],
                    pa.string(),
                )
                self._key = (pool_id, number)
            return self._ids

    def _embedded(self, path: str) -> list[pa.Array]:
        table = read_table(self._files, absolute(self._root, path), ["id", "reject_reason"])
        return table.filter(compute.is_null(table["reject_reason"]))["id"].chunks
