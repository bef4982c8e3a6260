"""Embeddings held in memory, so that a new prompt version reads no file.

Shapes: N images, D embedding width.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from pipelines.embeddings import Float16, Int64
from pipelines.places import Store
from pipelines.scan import READERS, concatenate
from poolscore.scoring.kernel import score
from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store import files
from poolscore.store.manifest import Manifest, ShardEntry
from poolscore.store.shards import read_shard


@dataclass(frozen=True)
class Block:
    """Shards that were read together."""

    paths: frozenset[str]
    """Of the shards, as the manifest has them."""
    ids: pa.Array
    uris: pa.Array
    """Large strings."""
    features_ND: Float16


@dataclass(frozen=True)
class ResidentEmbeddings:
    """The images of all blocks, in their order."""

    blocks: tuple[Block, ...]

    @cached_property
    def ids(self) -> pa.Array:
        """Item ids."""
        return pa.concat_arrays([pa.array([], pa.string()), *(each.ids for each in self.blocks)])

    @cached_property
    def uris(self) -> pa.Array:
        """Addresses."""
        nothing = pa.array([], pa.large_string())
        return pa.concat_arrays([nothing, *(each.uris for each in self.blocks)])

    def score(self, prompts: PromptFeatures) -> Scores:
        """Score every row; the embeddings are read where they are."""
        return concatenate([score(each.features_ND, prompts) for each in self.blocks])

    def take(self, rows: Int64) -> Float16:
        """Copy these rows."""
        width = self.blocks[0].features_ND.shape[1] if self.blocks else 0
        out, start = np.empty((len(rows), width), np.float16), 0
        for block in self.blocks:
            end = start + len(block.features_ND)
            here = np.flatnonzero((rows >= start) & (rows < end))
            out[here] = block.features_ND[rows[here] - start]
            start = end
        return out


def resident(
    store: Store, manifest: Manifest, held: ResidentEmbeddings | None = None
) -> ResidentEmbeddings:
    """Bring the embeddings of a snapshot into memory, 2 N D bytes and the names.

    `held` are those of an earlier snapshot of the pool: what the new one shares with them is not
    read again. Raises what `read_shard` raises.
    """
    paths = {shard.path for shard in manifest.shards}
    kept = [block for block in (held.blocks if held else ()) if block.paths <= paths]
    there = frozenset[str]().union(*(block.paths for block in kept))
    missing = [shard for shard in manifest.shards if shard.path not in there]
    if missing or not kept:
        kept.append(_read(store, missing, manifest.dim))
    return ResidentEmbeddings(tuple(kept))


def resident_bytes(manifest: Manifest) -> int:
    """Memory that the embeddings of a snapshot take, without their names."""
    return 2 * manifest.dim * manifest.embedded


def _read(store: Store, shards: Sequence[ShardEntry], dim: int) -> Block:
    filesystem, root = store
    ends = np.cumsum([shard.embedded for shard in shards], dtype=np.int64)
    features_ND = np.empty((int(ends[-1]) if len(ends) else 0, dim), np.float16)

    def read(number: int) -> tuple[pa.Array, pa.Array]:
        data = read_shard(filesystem, files.absolute(root, shards[number].path))
        features_ND[ends[number] - len(data) : ends[number]] = data.embeddings_ND
        return data.ids, data.uris.cast(pa.large_string())

    with ThreadPoolExecutor(READERS) as pool:
        names = list(pool.map(read, range(len(shards))))
    return Block(
        frozenset(shard.path for shard in shards),
        pa.concat_arrays([pa.array([], pa.string()), *(each[0] for each in names)]),
        pa.concat_arrays([pa.array([], pa.large_string()), *(each[1] for each in names)]),
        features_ND,
    )
