"""A scorer: keeps its part of the pools' embeddings in memory, and scores them."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from zlib import crc32

import pyarrow as pa

from pipelines.embeddings import Float16, Int64
from pipelines.resident import ResidentEmbeddings, resident, resident_bytes, shared_blocks
from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store.files import open_store
from poolscore.store.manifest import Manifest, load_manifest
from poolscore.store.records import Snapshot

NAMES, SCORES = 200, 40
"""Bytes an image beside its embedding: an id and an address of about a hundred together, and its
scores. There are two of each, by block and put together."""


@dataclass(frozen=True)
class Part:
    """One of `count` parts of a snapshot; together they hold every image once."""

    snapshot: Snapshot
    number: int
    count: int

    @property
    def key(self) -> tuple[str, int, int]:
        """The same for all snapshots of a pool."""
        return self.snapshot.pool_id, self.number, self.count


@dataclass(frozen=True)
class _Held:
    part: Part
    embeddings: ResidentEmbeddings
    size: int
    """Bytes that it takes, those of its scores among them."""


class Scorer:
    """What a scorer actor runs. Whatever it has forgotten, after a restart too, it reads again.

    Holds one snapshot of a pool, and pools until the memory is used up: then the one that was not
    asked for longest goes.
    """

    def __init__(self, store_uri: str, limit_bytes: int) -> None:
        """Hold nothing yet.

        Takes at most `limit_bytes` beside what the process has, and a few shards while it reads.
        """
        self._store, self._limit = open_store(store_uri), limit_bytes
        self._held: OrderedDict[tuple[str, int, int], _Held] = OrderedDict()
        self._lock, self._reading = threading.Lock(), threading.Lock()

    def names(self, part: Part) -> tuple[pa.Array, pa.Array] | None:
        """Ids and addresses of the part, by row; None when the part is too large to be held."""
        if _needed(self._manifest(part)) > self._limit:
            return None
        embeddings = self._embeddings(part)
        return embeddings.ids, embeddings.uris

    def score(self, part: Part, prompts: PromptFeatures) -> Scores:
        """Score every image of the part."""
        return self._embeddings(part).score(prompts)

    def take(self, part: Part, rows: Int64) -> Float16:
        """Embeddings of these rows of the part."""
        return self._embeddings(part).take(rows)

    def _embeddings(self, part: Part) -> ResidentEmbeddings:
        # Other pools are answered while one is read.
        found = self._find(part)
        if found is None:
            with self._reading:
                found = self._find(part) or self._read(part)
        return found

    def _find(self, part: Part) -> ResidentEmbeddings | None:
        with self._lock:
            held = self._held.get(part.key)
            if held is None or held.part != part:
                return None
            self._held.move_to_end(part.key)
            return held.embeddings

    def _read(self, part: Part) -> ResidentEmbeddings:
        manifest = self._manifest(part)
        with self._lock:
            # What it does not share is gone before more is read.
            before = self._held.pop(part.key, None)
            kept = shared_blocks(before.embeddings, manifest) if before else []
            del before
            self._make_room(_needed(manifest))
        embeddings = resident(self._store, manifest, kept)
        pa.default_memory_pool().release_unused()  # the files that were read
        names = embeddings.ids.nbytes + embeddings.uris.nbytes
        size = resident_bytes(manifest) + 2 * names + SCORES * manifest.embedded
        with self._lock:
            self._make_room(size)
            self._held[part.key] = _Held(part, embeddings, size)
        return embeddings

    def _make_room(self, size: int) -> None:
        while self._held and size + sum(each.size for each in self._held.values()) > self._limit:
            self._held.popitem(last=False)

    def _manifest(self, part: Part) -> Manifest:
        snapshot = part.snapshot
        whole = load_manifest(*self._store, snapshot.manifest_uri, snapshot.manifest_sha256)
        return manifest_of(whole, part.number, part.count)


def _needed(manifest: Manifest) -> int:
    return resident_bytes(manifest) + (NAMES + SCORES) * manifest.embedded


def manifest_of(whole: Manifest, number: int, count: int) -> Manifest:
    """The part `number` of `count` of a manifest; a shard stays in its part as the pool grows."""
    mine = [shard for shard in whole.shards if crc32(shard.path.encode()) % count == number]
    return whole.model_copy(
        update={"shards": tuple(mine), "embedded": sum(shard.embedded for shard in mine)}
    )
