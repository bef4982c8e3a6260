"""Embeddings read from the shards of a snapshot whenever they are needed; none are held."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from functools import cached_property

import numpy as np
import pyarrow as pa

from pipelines.embeddings import Float16, Int64
from pipelines.places import Store
from poolscore.errors import FailedPreconditionError
from poolscore.images.perceptual_hash import BYTES
from poolscore.scoring.kernel import score
from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store import files
from poolscore.store.manifest import Manifest, ShardEntry, load_manifest
from poolscore.store.read_each import READERS, read_each
from poolscore.store.records import Snapshot
from poolscore.store.shards import ShardData, read_hashes, read_names, read_shard

ROWS_PER_STEP = 1 << 17
"""Rows that are held as embeddings at a time."""


class ScannedEmbeddings:
    """Reads as little of the shards as each question asks for, in the order of the manifest."""

    def __init__(self, store: Store, manifest: Manifest) -> None:
        """Read nothing yet."""
        self._store, self._manifest = store, manifest

    @property
    def ids(self) -> pa.Array:
        """Item ids."""
        return self._names[0]

    @property
    def uris(self) -> pa.Array:
        """Addresses."""
        return self._names[1]

    @property
    def hashes(self) -> pa.Array:
        """Perceptual hashes, null where the shard is older than those."""
        filesystem, root = self._store
        paths = [files.absolute(root, shard.path) for shard in self._manifest.shards]
        parts = read_each(lambda path: read_hashes(filesystem, path), paths)
        return pa.concat_arrays([pa.array([], pa.binary(BYTES)), *parts])

    def score(self, prompts: PromptFeatures) -> Scores:
        """Score every cached embedding, `ROWS_PER_STEP` at a time."""
        dim = self._manifest.dim
        parts = [score(stack(step, dim), prompts) for step in _read(self._store, self._manifest)]
        return concatenate(parts)

    def take(self, rows: Int64) -> Float16:
        """Read the shards that hold these rows."""
        shards = self._manifest.shards
        ends = np.cumsum([shard.embedded for shard in shards], dtype=np.int64)
        of = np.searchsorted(ends, rows, side="right")
        out = np.empty((len(rows), self._manifest.dim), np.float16)

        def fill(number: int) -> None:
            places = np.flatnonzero(of == number)
            data = read_entry(self._store, shards[number])
            start = ends[number] - shards[number].embedded
            out[places] = data.embeddings_ND[rows[places] - start]

        for _ in read_each(fill, np.unique(of).tolist()):
            pass
        return out

    @cached_property
    def _names(self) -> tuple[pa.Array, pa.Array]:
        filesystem, root = self._store
        paths = [files.absolute(root, shard.path) for shard in self._manifest.shards]
        names = list(read_each(lambda path: read_names(filesystem, path), paths))
        ids = [pa.array([], pa.string()), *(name for name, _ in names)]
        # Addresses of a large pool are more than an array of strings can count.
        uris = [
            pa.array([], pa.large_string()),
            *(uri.cast(pa.large_string()) for _, uri in names),
        ]
        return pa.concat_arrays(ids), pa.concat_arrays(uris)


def scan(store: Store, snapshot: Snapshot) -> ScannedEmbeddings:
    """The embeddings of a registered snapshot. Raises what `load_manifest` raises."""
    return ScannedEmbeddings(store, snapshot_manifest(store, snapshot))


def snapshot_manifest(store: Store, snapshot: Snapshot) -> Manifest:
    """The manifest of a registered snapshot. Raises what `load_manifest` raises."""
    return load_manifest(*store, snapshot.manifest_uri, snapshot.manifest_sha256)


def concatenate(parts: Sequence[Scores]) -> Scores:
    """Scores of all parts, one after the other; a single part is not copied."""
    if len(parts) == 1:
        return parts[0]
    empty = Scores(np.empty(0, np.int32), *(np.empty(0, np.float32) for _ in range(4)))
    columns = {
        each.name: np.concatenate([getattr(part, each.name) for part in [empty, *parts]])
        for each in fields(Scores)
    }
    return Scores(**columns)


def read_entry(store: Store, shard: ShardEntry) -> ShardData:
    """Read a shard; raises as `read_shard`, also when it is not what the manifest says."""
    filesystem, root = store
    data = read_shard(filesystem, files.absolute(root, shard.path))
    if len(data) != shard.embedded:
        raise FailedPreconditionError(
            f"shard '{shard.path}' has {len(data):,} embeddings and the manifest says "
            f"{shard.embedded:,}; restore the file or embed the source again",
            reason="SHARD_CORRUPT",
        )
    return data


def _read(store: Store, manifest: Manifest) -> Iterator[list[ShardData]]:
    """Shards in order, step by step; the next step is read meanwhile."""
    groups = steps(manifest)
    with ThreadPoolExecutor(READERS) as pool:
        ahead = [pool.submit(read_entry, store, shard) for shard in groups[0]] if groups else []
        for following in [*groups[1:], []]:
            current, ahead = ahead, [pool.submit(read_entry, store, shard) for shard in following]
            if current:
                yield [future.result() for future in current]


def steps(manifest: Manifest) -> list[list[ShardEntry]]:
    """Shards in order, grouped to about `ROWS_PER_STEP` images."""
    groups: list[list[ShardEntry]] = []
    rows = ROWS_PER_STEP
    for shard in manifest.shards:
        if rows >= ROWS_PER_STEP:
            groups.append([])
            rows = 0
        groups[-1].append(shard)
        rows += shard.embedded
    return groups


def stack(step: list[ShardData], dim: int) -> Float16:
    """Embeddings of a step, (n, dim); those of a single shard are not copied."""
    arrays = [shard.embeddings_ND for shard in step]
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.empty((0, dim), np.float16)
