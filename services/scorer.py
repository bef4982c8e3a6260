"""A scorer: keeps its part of the pools' embeddings in memory, and scores them."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from zlib import crc32

import pyarrow as pa

from pipelines.embeddings import Embeddings, Float16, Int64
from pipelines.resident import ResidentEmbeddings, resident, resident_bytes
from pipelines.scan import ScannedEmbeddings
from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store.files import open_store
from poolscore.store.manifest import Manifest, load_manifest
from poolscore.store.records import Snapshot


@dataclass(frozen=True)
class Part:
    """One of `count` parts of a snapshot; together they hold every image once."""

    snapshot: Snapshot
    number: int
    count: int


@dataclass(frozen=True)
class _Held:
    part: Part
    embeddings: Embeddings
    size: int
    """Bytes in memory."""


class Scorer:
    """What a scorer actor runs. Whatever it has forgotten, after a restart too, it reads again.

    Holds one snapshot of a pool, and pools until the memory is used up: then the one that was not
    asked for longest goes. A part that is larger than all of it is read from its shards each time.
    """

    def __init__(self, store_uri: str, limit_bytes: int) -> None:
        """Hold nothing yet, and at most `limit_bytes` of embeddings."""
        self._store, self._limit = open_store(store_uri), limit_bytes
        self._held: OrderedDict[tuple[str, int, int], _Held] = OrderedDict()
        self._lock = threading.Lock()

    def names(self, part: Part) -> tuple[pa.Array, pa.Array]:
        """Ids and addresses of the part, in the order of everything else."""
        embeddings = self._embeddings(part)
        return embeddings.ids, embeddings.uris

    def score(self, part: Part, prompts: PromptFeatures) -> Scores:
        """Score every image of the part."""
        return self._embeddings(part).score(prompts)

    def take(self, part: Part, rows: Int64) -> Float16:
        """Embeddings of these rows of the part."""
        return self._embeddings(part).take(rows)

    def _embeddings(self, part: Part) -> Embeddings:
        key = part.snapshot.pool_id, part.number, part.count
        with self._lock:
            held = self._held.pop(key, None)
            if held is None or held.part != part:
                held = self._open(part, held)
            self._held[key] = held
            return held.embeddings

    def _open(self, part: Part, before: _Held | None) -> _Held:
        snapshot = part.snapshot
        whole = load_manifest(*self._store, snapshot.manifest_uri, snapshot.manifest_sha256)
        manifest = manifest_of(whole, part.number, part.count)
        size = resident_bytes(manifest)
        if size > self._limit:
            return _Held(part, ScannedEmbeddings(self._store, manifest), 0)
        while size + sum(each.size for each in self._held.values()) > self._limit:
            self._held.popitem(last=False)
        shared = before.embeddings if before else None
        shared = shared if isinstance(shared, ResidentEmbeddings) else None
        return _Held(part, resident(self._store, manifest, shared), size)


def manifest_of(whole: Manifest, number: int, count: int) -> Manifest:
    """The part `number` of `count` of a manifest; a shard stays in its part as the pool grows."""
    mine = [shard for shard in whole.shards if crc32(shard.path.encode()) % count == number]
    return whole.model_copy(
        update={"shards": tuple(mine), "embedded": sum(shard.embedded for shard in mine)}
    )
