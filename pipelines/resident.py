"""Embeddings held in memory, so that a new prompt version reads no file.

Shapes: N images, D embedding width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pyarrow as pa

from pipelines.embeddings import Float16, Int64
from pipelines.places import Store
from pipelines.scan import read_entry
from poolscore.scoring.kernel import score_blocks
from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store.manifest import Manifest, ShardEntry
from poolscore.store.read_each import read_each

_BLOCK_BYTES = 1 << 28
"""Embeddings of a block. All of it is read again when one of its shards is replaced."""


@dataclass(frozen=True)
class Block:
    """Shards that were read together."""

    rows: Mapping[str, range]
    """Rows of each shard, by its path in the manifest."""
    ids: pa.Array
    uris: pa.Array
    """Large strings."""
    features_ND: Float16


@dataclass(frozen=True)
class ResidentEmbeddings:
    """The images of all blocks, in the order of the manifest, however the blocks came about."""

    blocks: tuple[Block, ...]
    order: Int64 | None = None
    """Row in the blocks, one after the other, of each row; None: they are in order."""

    @cached_property
    def ids(self) -> pa.Array:
        """Item ids."""
        return self._ordered([each.ids for each in self.blocks])

    @cached_property
    def uris(self) -> pa.Array:
        """Addresses."""
        return self._ordered([each.uris for each in self.blocks])

    def score(self, prompts: PromptFeatures) -> Scores:
        """Score every row; the embeddings are read where they are."""
        scores = score_blocks([each.features_ND for each in self.blocks], prompts)
        return scores if self.order is None else scores.take(self.order)

    def take(self, rows: Int64) -> Float16:
        """Copy these rows."""
        rows = rows if self.order is None else self.order[rows]
        out, start = np.empty((len(rows), self.blocks[0].features_ND.shape[1]), np.float16), 0
        for block in self.blocks:
            end = start + len(block.features_ND)
            here = np.flatnonzero((rows >= start) & (rows < end))
            out[here] = block.features_ND[rows[here] - start]
            start = end
        return out

    def _ordered(self, parts: Sequence[pa.Array]) -> pa.Array:
        joined = parts[0] if len(parts) == 1 else pa.concat_arrays(parts)
        return joined if self.order is None else joined.take(pa.array(self.order))


def resident(store: Store, manifest: Manifest, kept: Sequence[Block] = ()) -> ResidentEmbeddings:
    """Bring the embeddings of a snapshot into memory, 2 N D bytes and the names.

    `kept` are the blocks of an earlier snapshot that it shares (`shared_blocks`): they are not read
    again. Raises what `read_shard` raises.
    """
    there = {path for block in kept for path in block.rows}
    missing = [shard for shard in manifest.shards if shard.path not in there]
    parts = _parts(missing, manifest.dim) or ([] if kept else [[]])
    blocks = [*kept, *(_read(store, part, manifest.dim) for part in parts)]
    return ResidentEmbeddings(tuple(blocks), _order(manifest, blocks))


def shared_blocks(held: ResidentEmbeddings, manifest: Manifest) -> list[Block]:
    """Blocks of which the snapshot has every shard."""
    paths = {shard.path for shard in manifest.shards}
    return [block for block in held.blocks if block.rows.keys() <= paths]


def _parts(shards: Sequence[ShardEntry], dim: int) -> list[list[ShardEntry]]:
    """Shards in their order, as many together as make a block."""
    parts: list[list[ShardEntry]] = []
    rows = 0
    for shard in shards:
        if not parts or rows + shard.embedded > _BLOCK_BYTES // (2 * dim):
            parts.append([])
            rows = 0
        parts[-1].append(shard)
        rows += shard.embedded
    return parts


def _order(manifest: Manifest, blocks: Sequence[Block]) -> Int64 | None:
    places: dict[str, Int64] = {}
    start = 0
    for block in blocks:
        places |= {path: start + np.array(rows) for path, rows in block.rows.items()}
        start += len(block.features_ND)
    none = np.empty(0, np.int64)
    order = np.concatenate([none, *(places[shard.path] for shard in manifest.shards)])
    order = order.astype(np.int64)
    return None if np.array_equal(order, np.arange(len(order))) else order


def resident_bytes(manifest: Manifest) -> int:
    """Memory that the embeddings of a snapshot take, without their names."""
    return 2 * manifest.dim * manifest.embedded


def _read(store: Store, shards: Sequence[ShardEntry], dim: int) -> Block:
    ends = np.cumsum([0, *(shard.embedded for shard in shards)]).tolist()
    places = [range(start, end) for start, end in pairwise(ends)]
    features_ND = np.empty((ends[-1], dim), np.float16)

    def read(number: int) -> tuple[pa.Array, pa.Array]:
        data = read_entry(store, shards[number])
        features_ND[places[number].start : places[number].stop] = data.embeddings_ND
        return data.ids, data.uris.cast(pa.large_string())

    names = list(read_each(read, range(len(shards))))
    return Block(
        {shard.path: rows for shard, rows in zip(shards, places, strict=True)},
        pa.concat_arrays([pa.array([], pa.string()), *(each[0] for each in names)]),
        pa.concat_arrays([pa.array([], pa.large_string()), *(each[1] for each in names)]),
        features_ND,
    )
