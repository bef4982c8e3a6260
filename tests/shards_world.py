"""A store with shards, a catalog and a pool, made without Ray and without an encoder."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from pyarrow import fs

from pipelines.places import RunPlaces, Store
from poolscore.encoder.spec import EncoderSpec
from poolscore.scoring.types import PromptFeatures
from poolscore.store.catalog import Catalog
from poolscore.store.files import relative
from poolscore.store.manifest import Manifest, ShardEntry, sort_shards
from poolscore.store.pools import create_pool
from poolscore.store.records import Pool, utcnow
from poolscore.store.shards import embeddings_to_arrow, shard_schema

DIM = 8
DIGEST = "d" * 64
CLASSES = ("cat", "dog", "owl")


def open_world(folder: Path) -> tuple[Catalog, Store, Pool]:
    """An empty catalog and store with the pool `p`."""
    catalog = Catalog.open(f"sqlite:///{folder / 'catalog.db'}")
    pool = create_pool(
        catalog, "p", CLASSES, "a photo of a {}.", EncoderSpec(), DIGEST, "entropy", 0
    )
    root = folder / "store"
    root.mkdir(exist_ok=True)
    return catalog, (fs.LocalFileSystem(), str(root)), pool


def embeddings(count: int, seed: int = 0) -> np.ndarray:
    """L2-normalised (count, DIM) float16."""
    vectors = np.random.default_rng(seed).normal(size=(count, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def prompts(seed: int = 1) -> PromptFeatures:
    """Positive and negative text features of CLASSES."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(2, len(CLASSES), DIM, generator=generator)
    features /= features.norm(dim=-1, keepdim=True)
    return PromptFeatures(features[0], features[1], 10.0)


def manifest_of(store: Store, *paths: Path) -> Manifest:
    """A manifest of these shards."""
    entries: list[ShardEntry] = []
    rejects: Counter[str] = Counter()
    for path in paths:
        reasons = pq.read_table(path)["reject_reason"]
        rejects.update(reasons.drop_null().to_pylist())
        embedded = reasons.null_count
        entries.append(
            ShardEntry(
                path=relative(store[1], str(path)),
                rows=len(reasons),
                embedded=embedded,
                rejected=len(reasons) - embedded,
            )
        )
    return manifest_with(entries, rejects=rejects)


def write_shard(
    places: RunPlaces,
    name: str,
    ids: list[str],
    rejects: dict[str, str] | None = None,
    *,
    committed: bool = True,
    vectors: np.ndarray | None = None,
    contents: str = "",
    source: str = "s",
    hashes: Sequence[bytes | None] | None = None,
) -> Path:
    """One shard as Ray Data leaves it; `rejects` maps ids among `ids` to reasons.

    Every image has the content hash `contents` and the stamp `1`.
    """
    rejects = rejects or {}
    valid = np.array([each not in rejects for each in ids])
    vectors = embeddings(len(ids), seed=len(name)) if vectors is None else vectors
    columns = {
        "id": pa.array(ids),
        "uri": pa.array([f"file:///{each}.jpg" for each in ids]),
        "source": pa.array([source] * len(ids)),
        "stamp": pa.array(["1"] * len(ids)),
        "content_hash": pa.array([contents] * len(ids)),
        "embedding": embeddings_to_arrow(vectors, valid),
        "perceptual_hash": pa.array(hashes or [None] * len(ids), pa.binary(16)),
        "reject_reason": pa.array([rejects.get(each) for each in ids], pa.string()),
    }
    schema = shard_schema(DIM, DIGEST)
    nothing = [None] * len(ids)
    arrays = [columns.get(field.name, pa.array(nothing, field.type)) for field in schema]
    path = Path(places.shards) / f"{name}-0.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays, schema=schema), path)
    checkpoint = Path(places.checkpoint)
    checkpoint.mkdir(parents=True, exist_ok=True)
    ending = ".parquet" if committed else ".pending.parquet"
    pq.write_table(pa.table({"id": ids}), checkpoint / f"{name}{ending}")
    return path


def manifest_with(
    entries: list[ShardEntry], run: int = 1, rejects: Mapping[str, int] | None = None
) -> Manifest:
    """A manifest of `p` with these shards; what is rejected is empty unless `rejects` says more."""
    rejected = sum(entry.rejected for entry in entries)
    return Manifest(
        pool="p",
        run=run,
        encoder=EncoderSpec(),
        encoder_digest=DIGEST,
        dim=DIM,
        shards=sort_shards(entries),
        embedded=sum(entry.embedded for entry in entries),
        rejected=rejected,
        rejects=dict(rejects or ({"EMPTY": rejected} if rejected else {})),
        sources=("s",),
        created=utcnow(),
    )
