"""Read a snapshot and score it by a prompt version; no pixels, no model."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.places import Store
from poolscore.scoring.kernel import score
from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.manifest import Manifest
from poolscore.store.shards import ShardData, read_shard

READERS = 4
"""Threads that read shards while the kernel computes."""
ROWS_PER_STEP = 1 << 17
"""Rows that are held as embeddings at a time."""


@dataclass(frozen=True)
class ScoredPool:
    """The embedded images of a snapshot; row i of every field is the same image, by shard path."""

    ids: pa.Array
    uris: pa.Array
    scores: Scores

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)


def score_snapshot(store: Store, manifest: Manifest, prompts: PromptFeatures) -> ScoredPool:
    """Score every cached embedding; holds ids, addresses and scores, and few embeddings."""
    ids: list[pa.Array] = [pa.array([], pa.string())]
    uris: list[pa.Array] = [pa.array([], pa.string())]
    parts: list[Scores] = []
    for step in _steps(store, manifest):
        ids += [shard.ids for shard in step]
        uris += [shard.uris for shard in step]
        parts.append(score(_stack(step, manifest.dim), prompts))
    return ScoredPool(pa.concat_arrays(ids), pa.concat_arrays(uris), _concatenate(parts))


def features_by_id(
    store: Store, manifest: Manifest, wanted: Sequence[str]
) -> npt.NDArray[np.float16]:
    """Embeddings (len(wanted), D) of items of the snapshot, in the order of `wanted`.

    Raises KeyError for an id that the snapshot has not embedded.
    """
    place = {item: row for row, item in enumerate(wanted)}
    values = pa.array(wanted, pa.string())
    out = np.zeros((len(wanted), manifest.dim), np.float16)
    missing = set(wanted)
    for step in _steps(store, manifest) if wanted else ():
        for shard in step:
            rows = pc.indices_nonzero(pc.is_in(shard.ids, value_set=values)).to_numpy()
            found = shard.ids.take(pa.array(rows)).to_pylist()
            out[[place[item] for item in found]] = shard.embeddings_ND[rows]
            missing.difference_update(found)
    if missing:
        raise KeyError(f"{len(missing)} items are not in the snapshot, such as {min(missing)}")
    return out


def _steps(store: Store, manifest: Manifest) -> Iterator[list[ShardData]]:
    """Shards in order, grouped to `ROWS_PER_STEP`; the next group is read meanwhile."""
    filesystem, root = store

    def read(path: str) -> ShardData:
        return read_shard(filesystem, files.absolute(root, path))

    groups = _groups(manifest)
    with ThreadPoolExecutor(READERS) as pool:
        ahead = [pool.submit(read, path) for path in groups[0]] if groups else []
        for following in [*groups[1:], []]:
            current, ahead = ahead, [pool.submit(read, path) for path in following]
            if current:
                yield [future.result() for future in current]


def _groups(manifest: Manifest) -> list[list[str]]:
    groups: list[list[str]] = []
    rows = ROWS_PER_STEP
    for shard in manifest.shards:
        if rows >= ROWS_PER_STEP:
            groups.append([])
            rows = 0
        groups[-1].append(shard.path)
        rows += shard.embedded
    return groups


def _stack(step: list[ShardData], dim: int) -> npt.NDArray[np.float16]:
    arrays = [shard.embeddings_ND for shard in step]
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.empty((0, dim), np.float16)


def _concatenate(parts: list[Scores]) -> Scores:
    empty = Scores(np.empty(0, np.int32), *(np.empty(0, np.float32) for _ in range(4)))
    columns = {
        each.name: np.concatenate([getattr(part, each.name) for part in [empty, *parts]])
        for each in fields(Scores)
    }
    return Scores(**columns)
